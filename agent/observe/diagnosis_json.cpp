#include "observe/diagnosis_json.h"

#include "observe/reply_json.h"

namespace bus::observe {
namespace {

const char* to_text(core::RouteDiagnosis::Verdict verdict) {
    using enum core::RouteDiagnosis::Verdict;
    switch (verdict) {
        case goes:
            return "goes";
        case waits:
            return "waits";
        case denied:
            return "denied";
    }
    return "?";
}

const char* to_text(core::WhyDiagnosis::Weight weight) {
    using enum core::WhyDiagnosis::Weight;
    switch (weight) {
        case problem:
            return "problem";
        case note:
            return "note";
        case good:
            return "good";
    }
    return "?";
}

Json here_json(const core::RouteDiagnosis::Here& here) {
    return {{"type", here.type},
            {"name", here.name},
            {"filter", here.filter},
            {"consumers", here.consumers},
            {"waiting_messages", here.waiting_messages},
            {"words", here.words}};
}

Json there_json(const core::RouteDiagnosis::There& there) {
    return {{"agent", bus::to_text(there.agent)}, {"name", there.name},
            {"filters", there.filters},           {"path", there.path},
            {"verdict", to_text(there.verdict)},  {"words", there.words}};
}

}  // namespace

std::string route_reply(const AdminAnswer& to, const core::RouteDiagnosis& route) {
    Json here = Json::array(), there = Json::array();
    for (const auto& one : route.here) here.push_back(here_json(one));
    for (const auto& one : route.there) there.push_back(there_json(one));
    Json reply = reply_head(to, true);
    reply["route"] = {{"kind", wire::to_text(route.kind)},
                      {"channel", route.channel},
                      {"reaches_somebody", route.reaches_somebody},
                      {"here", std::move(here)},
                      {"there", std::move(there)},
                      {"not_interested", route.not_interested},
                      {"notes", route.notes}};
    return reply_text(reply);
}

std::string why_reply(const AdminAnswer& to, const core::WhyDiagnosis& why) {
    Json findings = Json::array();
    for (const auto& one : why.findings)
        findings.push_back(
            {{"weight", to_text(one.weight)}, {"about", one.about}, {"words", one.words}});
    Json reply = reply_head(to, true);
    reply["why"] = {
        {"what", why.what}, {"problem", why.has_problem()}, {"findings", std::move(findings)}};
    return reply_text(reply);
}

std::string rejoin_reply(const AdminAnswer& to, const std::string& peer) {
    Json reply = reply_head(to, true);
    reply["rejoin"] = {{"peer", peer}};
    return reply_text(reply);
}

}  // namespace bus::observe
