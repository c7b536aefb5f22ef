#include "job_environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace bus::cli {
namespace {

constexpr std::array<std::string_view, 8> of_a_message{
    "CHANNEL", "ID", "ATTEMPT", "REDELIVERED", "RETAINED", "PRIORITY", "KEY", "REPLY_TO"};

bool is_of_a_message(std::string_view variable) {
    constexpr std::string_view prefix = "BUS_";
    if (!variable.starts_with(prefix)) return false;
    const auto name = variable.substr(prefix.size(), variable.find('=') - prefix.size());
    return name.starts_with("HEADER_") ||
           std::find(of_a_message.begin(), of_a_message.end(), name) != of_a_message.end();
}

std::vector<std::string> inherited(std::string_view runtime) {
    std::vector<std::string> kept;
    for (char** at = environ; *at != nullptr; ++at) {
        const std::string_view variable{*at};
        const bool replaced = !runtime.empty() && variable.starts_with("BUS_RUNTIME=");
        if (!replaced && !is_of_a_message(variable)) kept.emplace_back(variable);
    }
    return kept;
}

class Variables {
  public:
    explicit Variables(std::vector<std::string> inherited) : all_(std::move(inherited)) {}
    void add(std::string_view name, std::string_view value) {
        if (value.find('\0') != std::string_view::npos) return;
        all_.push_back(std::string{name} + "=" + std::string{value});
    }
    // The first of a name counts.
    void add_once(const std::string& name, std::string_view value) {
        const auto same = [&](const std::string& other) {
            return other.size() > name.size() && other.starts_with(name) &&
                   other[name.size()] == '=';
        };
        if (std::none_of(all_.begin(), all_.end(), same)) add(name, value);
    }
    std::vector<std::string> take() { return std::move(all_); }

  private:
    std::vector<std::string> all_;
};

}  // namespace

std::string variable_of_header(std::string_view key) {
    std::string name = "BUS_HEADER_";
    for (const char c : key) {
        const bool small = c >= 'a' && c <= 'z';
        const bool kept = small || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name += small ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
    return name;
}

std::vector<std::string> job_environment(const Delivery& delivery, std::string_view runtime) {
    const Message& message = delivery.message();
    Variables variables{inherited(runtime)};
    if (!runtime.empty()) variables.add("BUS_RUNTIME", runtime);
    variables.add("BUS_CHANNEL", message.channel());
    variables.add("BUS_ID", message.id());
    variables.add("BUS_ATTEMPT", std::to_string(delivery.attempt()));
    variables.add("BUS_REDELIVERED", delivery.redelivered() ? "1" : "0");
    variables.add("BUS_RETAINED", delivery.retained() ? "1" : "0");
    variables.add("BUS_PRIORITY", to_text(message.priority()));
    if (const auto key = message.header("key")) variables.add("BUS_KEY", *key);
    if (const auto to = message.header("reply-to")) variables.add("BUS_REPLY_TO", *to);
    for (const auto& header : message.headers())
        variables.add_once(variable_of_header(header.key), header.value);
    return variables.take();
}

}  // namespace bus::cli
