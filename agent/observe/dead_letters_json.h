// Dead letters as JSON, in answers that fit a control frame. The keys are
// stable, the reasons are for people.
#pragma once

#include <cstddef>
#include <string>

#include "core/dead_letters.h"
#include "observe/status_json.h"

namespace bus::observe {

// That one answer has room for.
inline constexpr std::size_t dead_letter_totals_max = 40;

// {...,"ok":true,"dead_list":{"letters":[...],"last":true,"through":N}} or, of totals,
// {"totals":[...],...}. Where not all have room, "last" is false: those behind the last one
// ("after") are to be asked for.
std::string dead_letters_reply(const AdminAnswer& to, const core::DeadLettersFound& found);

// {...,"ok":true,"dead_show":{<as in a list>,"contents":[...],"shown":N}}
std::string dead_letter_reply(const AdminAnswer& to, const core::DeadLetter& letter);

// {...,"ok":true,"dead_retry":{"letters":N,"messages":N,"bytes":N,"left":[...],"after":N,
// "through":N,"last":true,"dry_run":false}}
std::string dead_letters_done_reply(const AdminAnswer& to, const core::DeadLetterAnswer& answer);

}  // namespace bus::observe
