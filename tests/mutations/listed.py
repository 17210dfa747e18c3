"""The simplest changes that break a promise, each with the test that must notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """In `file`, `old` becomes `new`, and `test` (file::name) turns red."""

    file: str
    old: str
    new: str
    test: str

    @property
    def gist(self) -> str:
        return " ".join(f"{self.file}: {self.new or f'without {self.old}'}".split())

    def apply(self, whole: str) -> str:
        """Raises AssertionError where `old` is not there exactly once."""
        assert whole.count(self.old) == 1, f"{self.file}: {self.old}"
        return whole.replace(self.old, self.new)


MUTATIONS = (
    # Every change counts once; numbers are gapless; a gap stops one municipality and no other.
    Mutation(
        "tasks/pull.py",
        "check_head(packet.head, town.profile.ags, expected)",
        "check_head(packet.head, town.profile.ags, packet.head.number)",
        "tests/steps/test_pull.py::test_a_bad_delivery_is_refused_with_its_code_and_loses_nothing",
    ),
    Mutation(
        "tasks/pull.py",
        'if known and known.status == "accepted" and known.content_hash == _content(packets):',
        "if known and number < 0:",
        "tests/flows/test_deliver_samples.py::test_the_same_delivery_sent_again_changes_nothing",
    ),
    Mutation(
        "flows/_pipeline.py",
        "    except AntragslosError as error:\n        code = cleaned(error).code",
        "    except AntragslosError as error:\n        raise",
        "tests/flows/test_trouble.py::test_one_municipality_in_trouble_never_stops_another",
    ),
    Mutation(
        "tasks/state/taking.py",
        "            if known := signs.get(record.event):",
        "            if record.event == (known := signs.get(record.event)):",
        "tests/steps/test_known_events.py::test_a_delivery_that_comes_again_under_a_new_number_is_counted_and_changes_nothing",
    ),
    Mutation(
        "tasks/state/taking.py",
        "                if known == content:",
        "                if known:",
        "tests/steps/test_known_events.py::test_an_event_known_otherwise_is_quarantined_and_named_in_the_receipt",
    ),
    # What a full delivery tells otherwise is a change, and an absence is a question.
    Mutation(
        "tasks/state/taking.py",
        "        same = stock and row.here and row.text == text",
        "        same = stock and row.here",
        "tests/steps/test_comparison.py::test_a_move_that_only_a_full_delivery_tells_switches_the_permit",
    ),
    Mutation(
        "tasks/state/taking.py",
        "self._keep([self._missing(row) for row in page if _lives_here(row)])",
        "self._keep([self._missing(row) for row in page if not row.id])",
        "tests/steps/test_comparison.py::test_who_is_missing_in_a_full_delivery_is_a_clerks_question_and_no_deletion",
    ),
    # After the act, a later correction is looked at; a service looks back as far as the profile says.
    Mutation(
        "tasks/look_back.py",
        "        to = since - timedelta(days=enabled.look_back_days)",
        "        to = since",
        "tests/steps/test_look_back.py::test_a_service_looks_back_for_as_many_days_as_the_profile_says",
    ),
    Mutation(
        "tasks/domain/holder.py",
        "    links = (link for link in situation.links if link.permit.kind in {kind, *_unknown(link)})",
        "    links = situation.links",
        "tests/services/test_resident_parking_codes.py::test_a_story_ends_with_its_code",
    ),
    Mutation(
        "tasks/registry/snapshots.py",
        "        if not _is_back(before, lived, lives, day):",
        "        if lives:",
        "tests/steps/test_put_off.py::test_the_old_permit_is_given_back_until_then_and_switched_on_the_day",
    ),
    # One case for each change and service.
    Mutation(
        "tasks/state/tables.py",
        '        UniqueConstraint("delta_id", "service", "cause"),\n',
        "",
        "tests/steps/test_one_case.py::test_the_database_itself_refuses_a_second_case_of_a_change_and_service",
    ),
    Mutation(
        "tasks/state/cases.py",
        "if (case.delta_id, case.service) not in known",
        "if case.delta_id",
        "tests/steps/test_one_case.py::test_a_change_linked_again_after_a_crash_keeps_its_first_case",
    ),
    # An effect is carried out once, and its way back is stored.
    Mutation(
        "tasks/records/batch.py",
        "if key in self._done:",
        "if not key:",
        "tests/records/test_permit_register.py::test_carrying_out_an_effect_twice_changes_nothing_the_second_time",
    ),
    Mutation(
        "tasks/act.py",
        '"inverse": dump(EFFECT, result.inverse)',
        '"inverse": dump(EFFECT, effect)',
        "tests/steps/test_reversals.py::test_a_reversal_undoes_a_switched_permit_and_tells_the_resident_where_he_lives",
    ),
    # What is said on the pages is on the disk before they say so, counts once, needs no Prefect.
    Mutation(
        "tasks/state/replies.py",
        'driver.execute("PRAGMA synchronous=FULL")',
        'driver.execute("PRAGMA synchronous=NORMAL")',
        "tests/steps/test_on_the_disk.py::test_a_residents_reply_is_on_the_disk_before_the_receipt_is_shown",
    ),
    Mutation(
        "tasks/desks/clerks.py",
        "        with durably(self._engine) as session:\n            return answers.give(",
        "        from tasks.state.database import writing\n\n        with writing(self._engine) as session:\n            return answers.give(",
        "tests/steps/test_on_the_disk.py::test_a_clerks_answer_is_on_the_disk_before_the_page_says_so",
    ),
    Mutation(
        "tasks/state/tables.py",
        '        UniqueConstraint("case_id", "kind"),\n',
        "",
        "tests/steps/test_reply_desk.py::test_two_browsers_that_answer_at_once_leave_one_reply",
    ),
    Mutation(
        "flows/cli/replies.py",
        "    threading.Thread(target=_emit, daemon=True).start()",
        "    _emit()",
        "tests/flows/test_apply_replies_flow.py::test_a_resident_is_answered_at_once_while_prefect_is_down",
    ),
    # Forged, guessed, expired, locked and repeated links and codes change nothing; no GET does.
    Mutation(
        "tasks/state/replies.py",
        '_BY_LINK = _NEWEST.where(_section.token_digest == bindparam("digest"))',
        '_BY_LINK = _NEWEST.where(_section.token_digest != bindparam("digest"))',
        "tests/steps/test_reply_desk.py::test_link_and_code_of_a_letter_open_the_same_door",
    ),
    Mutation(
        "tasks/state/replies.py",
        "MAX_FAILURES = 5",
        "MAX_FAILURES = 6",
        "tests/replies/test_guessing.py::test_five_wrong_birth_dates_are_counted_and_nothing_else_changes",
    ),
    Mutation(
        "tasks/desks/residents.py",
        "> opened.expires:",
        "> opened.expires.replace(year=9999):",
        "tests/steps/test_reply_desk.py::test_a_token_is_good_up_to_and_on_its_last_day",
    ),
    Mutation(
        "tasks/desks/residents.py",
        "        if opened.status in _NOT_VALID:",
        "        if opened.status == replies.REVOKED:",
        "tests/replies/test_guessing.py::test_five_wrong_birth_dates_are_counted_and_nothing_else_changes",
    ),
    Mutation(
        "tasks/desks/residents.py",
        "        if opened.status in _NOT_VALID:",
        "        if opened.status == replies.LOCKED:",
        "tests/steps/test_reply_desk.py::test_a_part_whose_token_was_revoked_is_neither_shown_nor_answered",
    ),
    Mutation(
        "tasks/replies/resident.py",
        "        return ask_birth_date(request, found(request, lambda: desk.by_link(secret)))",
        '        return unlock(request, found(request, lambda: desk.by_link(secret)), ("1", "1", "1900"))',
        "tests/replies/test_resident_guard.py::test_a_mail_scanner_that_follows_the_link_changes_nothing",
    ),
    # A clerk's answer never overrules a lock or a reversal that came after it.
    Mutation(
        "tasks/domain/check.py",
        "    fits = name and not check.passed and check.for_clerks",
        "    fits = name and not check.passed",
        "tests/domain/test_check.py::test_what_is_no_question_can_be_answered_by_nobody",
    ),
    Mutation(
        "tasks/domain/check.py",
        "    failed = next((check for check in checks if not check.passed), None)",
        "    said = {answer.question for answer in answers}\n    asked = [c for c in checks if c.code in said]\n    failed = next((c for c in (*asked, *checks) if not c.passed), None)",
        "tests/domain/test_check.py::test_what_a_clerk_wants_done_is_not_done_once_something_before_it_stops_the_case",
    ),
    # For every reversal and race there is one answer, wherever the case stands.
    Mutation(
        "tasks/domain/races.py",
        '(_UNTOLD, _R.UNDONE_SILENTLY, "put back before anybody knew", "")',
        '(_UNTOLD, _R.UNDONE_AND_TOLD, "put back before anybody knew", "")',
        "tests/steps/test_races.py::test_the_answer_is_that_of_the_table",
    ),
    # An undo by machine needs no discretion; a permit changed by hand is left alone.
    Mutation(
        "tasks/services/resident_parking.py",
        "machine = {effect.kind for effect in effects} <= by_itself",
        "machine = effects is not None",
        "tests/services/test_resident_parking_reversals.py::test_a_switch_without_condition_is_taken_back_by_a_clerk_who_is_offered_just_that",
    ),
    Mutation(
        "tasks/domain/holder.py",
        '_check("record_intact", True if intact else None, "record_changed")',
        '_check("record_intact", intact or True, "record_changed")',
        "tests/steps/test_reversals.py::test_a_permit_changed_by_hand_before_the_reversal_is_not_overwritten",
    ),
    # A letter leaves once; where a crash leaves doubt it is uncertain and not repeated.
    Mutation(
        "tasks/state/outbox.py",
        '.where(col(LetterRow.id).in_(ids), col(LetterRow.status) == "ready")\n            .values(status="claimed"',
        '.where(col(LetterRow.id).in_(ids))\n            .values(status="claimed"',
        "tests/steps/test_act.py::test_of_two_processes_only_one_gets_a_letter_in_hand",
    ),
    Mutation(
        "tasks/send.py",
        '    outbox.settle(session, dict.fromkeys(ids, Outcome("uncertain", "channel.uncertain")))',
        '    outbox.settle(session, dict.fromkeys(ids, Outcome("ready", "channel.uncertain")))',
        "tests/steps/test_send.py::test_a_letter_in_the_hands_of_a_dead_process_is_never_silently_repeated",
    ),
    Mutation(
        "tasks/send.py",
        '            result = ChannelUncertain("channel.uncertain", parcel.letter_id)',
        '            result = StateUnavailable("channel.uncertain", parcel.letter_id)',
        "tests/steps/test_send.py::test_an_error_that_nobody_foresaw_while_a_letter_is_handed_over_leaves_it_uncertain",
    ),
    Mutation(
        "tasks/records/batch.py",
        "batches = [_Batch(known) for _ in groups]",
        "batches = [_Batch(known)] * len(groups)",
        "tests/steps/test_replies.py::test_both_answers_to_one_letter_offer_a_clerk_to_take_it_back",
    ),
    # Locks, deaths, reversals, moves and changed permits that come after the decision stop the letter.
    Mutation(
        "tasks/still_true.py",
        "code := may_be_told(person, today) or _overtaken(letter, person, today)",
        "code := _overtaken(letter, person, today)",
        "tests/steps/test_send.py::test_a_lock_that_arrives_after_rendering_stops_the_letter",
    ),
    Mutation(
        "tasks/still_true.py",
        "code := may_be_told(person, today) or _overtaken(letter, person, today)",
        "code := may_be_told(person, today)",
        "tests/steps/test_send.py::test_a_letter_to_who_has_left_the_town_meanwhile_is_stopped",
    ),
    Mutation(
        "tasks/still_true.py",
        "    taken_back = _taken_back(session, told)",
        "    taken_back: set[str] = set()",
        "tests/steps/test_send.py::test_a_letter_whose_event_the_registry_has_taken_back_is_stopped",
    ),
    Mutation(
        "tasks/still_true.py",
        "    untrue = untrue_of(town, session, told)",
        "    untrue: dict[str, Objection] = {}",
        "tests/steps/test_reversals.py::test_a_permit_changed_by_hand_before_the_letter_left_stops_it",
    ),
    Mutation(
        "tasks/still_true.py",
        "    changed = town.register.changed_since([[one.key for one in ours] for ours in own.values()])",
        "    changed = town.register.changed_since([[one.key] for (one, *_) in own.values()])",
        "tests/steps/test_true_letters.py::test_a_switch_that_also_puts_the_name_right_is_told",
    ),
    # One process at a time works on a municipality.
    Mutation(
        "tasks/state/lock.py",
        "            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "            file.flush()",
        "tests/flows/test_trouble.py::test_two_runs_never_work_on_one_municipality",
    ),
    Mutation(
        "tasks/state/lock.py",
        "        if not got:",
        "        if got is None:",
        "tests/steps/test_week_on_both_databases.py::test_a_second_process_is_told_that_the_municipality_is_busy",
    ),
    Mutation(
        "flows/rerun_cases.py",
        "    with municipality_lock(town.engine, town.slug, town.folder):\n",
        "    if town:\n",
        "tests/flows/test_rerun_flow.py::test_nothing_is_rerun_while_another_run_is_at_work",
    ),
    # A bad record never stops a good one.
    Mutation(
        "tasks/registry/xmeldit.py",
        "        except RecordRejected as error:\n            yield",
        "        except RecordRejected as error:\n            raise DeliveryRejected(error.code) from None\n            yield",
        "tests/steps/test_pull.py::test_a_bad_record_is_quarantined_and_the_rest_goes_on",
    ),
    Mutation(
        "tasks/files.py",
        "    if not stat.S_ISREG(found.st_mode):",
        "    if stat.S_ISDIR(found.st_mode):",
        "tests/steps/test_inbox.py::test_what_is_no_file_is_put_aside_unopened_and_the_delivery_is_taken",
    ),
    # What a town writes itself reaches nothing of others.
    Mutation(
        "tasks/municipality.py",
        "    if problems := _strange(folder):",
        "    if problems := []:",
        "tests/steps/test_town_files.py::test_a_folder_that_is_a_link_leads_nowhere",
    ),
    Mutation(
        "tasks/records/database.py",
        "            if owner not in (None, self._owner):",
        "            if not owner and owner is not None:",
        "tests/records/test_register_address.py::test_a_register_belongs_to_the_town_that_came_first",
    ),
    Mutation(
        "tasks/letters/confined.py",
        "        (resource.RLIMIT_NOFILE, 0),",
        "        (resource.RLIMIT_CORE, 0),",
        "tests/letters/test_town_templates.py::test_a_process_with_closed_doors_opens_nothing",
    ),
    # A bad item never stops a good one; what ends the process twice is parked.
    Mutation(
        "tasks/stage.py",
        "            if len(items) == 1:",
        "            if items:",
        "tests/failures/test_nothing_spreads.py::test_an_item_that_raises_fails_alone_and_is_continued_once_the_cause_is_gone",
    ),
    Mutation(
        "tasks/stage.py",
        "DEATHS = 2 ",
        "DEATHS = 2000 ",
        "tests/failures/test_nothing_spreads.py::test_an_item_that_ends_the_process_twice_is_parked_and_all_others_are_done",
    ),
    # A channel that is in the way is left; its letters wait, and it costs them no try.
    Mutation(
        "tasks/breaker.py",
        "            if self._in_a_row >= self._give_up_after:",
        "            if self._in_a_row < 0:",
        "tests/steps/test_channel_left.py::test_after_a_few_letters_in_a_row_no_further_one_is_tried",
    ),
    Mutation(
        "tasks/breaker.py",
        "                excused.append(held)",
        "                tried.append(held)",
        "tests/steps/test_channel_left.py::test_letters_of_a_channel_that_is_down_wait_and_leave_once_it_is_back",
    ),
    # Nothing is decided on a similar name, and no zone is guessed.
    Mutation(
        "tasks/matching/permits.py",
        "return Link(permit, LinkedBy.SUGGESTED, score) if score else None",
        "return Link(permit, LinkedBy.STATUTORY, score) if score else None",
        "tests/matching/test_permits_linking.py::test_a_permit_is_never_linked_on_a_similar_name",
    ),
    Mutation(
        "tasks/services/resident_parking.py",
        "True if found.only else None",
        "True if found.areas else None",
        "tests/services/test_resident_parking_moves.py::test_two_candidate_zones_are_never_guessed",
    ),
    Mutation(
        "tasks/matching/statutory.py",
        "return forenames(name).issuperset(words(wanted))",
        "return not forenames(name).isdisjoint(words(wanted))",
        "tests/matching/test_statutory_examples.py::test_the_official_example_comes_out_as_the_ordinance_says",
    ),
    # Two houses never compare equal; what a list or an address leaves open is asked.
    Mutation(
        "tasks/domain/address.py",
        'left += f"/{behind}" if behind[:1].isdecimal() else behind',
        "left += behind",
        "tests/domain/test_address.py::test_no_two_different_houses_ever_compare_equal_or_print_alike",
    ),
    Mutation(
        "tasks/matching/spans.py",
        "    return candidates, Doubt.GAP if candidates else None",
        "    return candidates, None",
        "tests/matching/test_zone_doubts.py::test_a_number_between_two_ranges_offers_both",
    ),
    Mutation(
        "tasks/matching/zones.py",
        "        if district and district_key(district) not in covers.districts:",
        "        if district and not covers:",
        "tests/matching/test_zone_doubts.py::test_an_address_in_an_ortsteil_never_gets_the_core_towns_zone",
    ),
    Mutation(
        "tasks/services/resident_parking.py",
        "True if found.only else None",
        "True if found.areas else None",
        "tests/services/test_resident_parking_addresses.py::test_a_single_candidate_is_still_a_question",
    ),
    # A registry key is believed only with name or birth date; no holder is lost in silence.
    Mutation(
        "tasks/matching/permits.py",
        "trusted = _hang_together(known) and any(key_agrees(one, permit) for one in known)",
        "trusted = bool(known)",
        "tests/matching/test_permits_linking.py::test_a_key_that_neither_name_nor_birth_date_confirm_is_for_a_clerk",
    ),
    Mutation(
        "tasks/matching/permits.py",
        "        return None if owned and not fits else _suggested(known, permit)",
        "        return None",
        "tests/steps/test_keys_and_records.py::test_no_key_is_believed_against_name_and_birth_date_and_no_holder_is_lost_in_silence",
    ),
    # A stored decision replays to the same.
    Mutation(
        "tasks/decide.py",
        '"now_is_after": situation.now == situation.delta.after,',
        '"now_is_after": True,',
        "tests/steps/test_week_on_both_databases.py::test_every_decision_replays_to_the_same",
    ),
    # What a resident is called cannot change a letter's form.
    Mutation(
        "tasks/letters/markup.py",
        "return str(value).translate(_SHIELD)",
        "return str(value)",
        "tests/letters/test_letter_injection.py::test_what_looks_like_markup_in_a_residents_data_is_printed_as_it_is",
    ),
    # Everybody can use the pages.
    Mutation(
        "templates/pages/style.css",
        ":focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; box-shadow: 0 0 0 6px var(--focus); border-radius: 2px; }",
        ":focus-visible { outline: none; }",
        "tests/browser/test_resident_page.py::test_whatever_has_the_keyboards_focus_is_seen_to_have_it",
    ),
    Mutation(
        "templates/pages/style.css",
        "  --accent: #124c7c;",
        "  --accent: #9fb8c8;",
        "tests/browser/test_resident_page.py::test_every_page_keeps_the_rules_of_wcag_in_light_and_in_dark",
    ),
    Mutation(
        "templates/pages/style.css",
        ".inner, main { width: 100%;",
        ".inner, main { width: 100%; min-width: 24rem;",
        "tests/browser/test_resident_page.py::test_no_page_needs_sideways_scrolling_at_320_pixels_or_complains_or_asks_another_host",
    ),
    Mutation(
        "templates/pages/_frame.html.j2",
        "</head>",
        "<script>window.seen = true</script></head>",
        "tests/browser/test_resident_page.py::test_no_page_has_a_script_an_inline_style_or_anything_from_elsewhere",
    ),
    # Personal data leaves once its period is over, and not a day earlier.
    Mutation(
        "tasks/state/retention.py",
        "if last < day]",
        "if last <= day]",
        "tests/steps/test_forget.py::test_a_case_with_a_letter_stays_until_no_objection_is_possible_any_more",
    ),
    Mutation(
        "tasks/state/retention.py",
        '        if "handed_over" in letters:\n            return self._periods.objection\n',
        "",
        "tests/steps/test_forget.py::test_a_confirmation_stays_as_long_as_any_letter",
    ),
    Mutation(
        "tasks/state/forgetting.py",
        '(ReplyRow, {"text": ""})',
        '(ReplyRow, {"kind": ReplyRow.kind})',
        "tests/steps/test_forget.py::test_no_name_is_left_anywhere_once_all_is_over",
    ),
    # No personal data reaches Prefect.
    Mutation(
        "tasks/stage.py",
        "            raise cleaned(error) from None",
        "            cleaned(error)\n            raise",
        "tests/steps/test_stage.py::test_what_breaks_a_whole_step_leaves_it_as_its_code_alone",
    ),
    Mutation(
        "flows/_pipeline.py",
        "    except Exception as error:\n        code = cleaned(error).code",
        "    except Exception as error:\n        code = str(cleaned(error) and error)",
        "tests/flows/test_trouble.py::test_what_breaks_between_two_steps_is_told_to_prefect_by_its_code_alone",
    ),
    # The life of a case can be told to a court, years later.
    Mutation(
        "tasks/history/timeline.py",
        "        *questions(view, case),\n",
        "",
        "tests/steps/test_explain.py::test_whatever_is_stored_of_a_case_is_told_once_and_in_order",
    ),
    # A run may be killed at any point and started again.
    Mutation(
        "tasks/act.py",
        'f"{case.id}:{last[case.id][0].seq}:{position}"',
        'f"{case.id}:{utcnow()}:{position}"',
        "tests/steps/test_act.py::"
        "test_what_reached_the_register_before_a_crash_is_found_again_and_done_once",
    ),
)
