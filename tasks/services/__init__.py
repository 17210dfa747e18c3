"""Every file in this folder is one proactive service; nothing else belongs here."""

import importlib
import pkgutil
from functools import lru_cache

from tasks.domain.service import Service


@lru_cache(maxsize=1)
def all_services() -> dict[str, Service]:
    """Found by looking: adding a service means adding its file."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    services = [importlib.import_module(f"{__name__}.{name}").service for name in modules]
    return {service.name: service for service in services}
