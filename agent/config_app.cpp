#include "config_app.h"

#include <pwd.h>

#include <charconv>

#include "config_values.h"

namespace bus {
namespace {

std::optional<uid_t> uid_of_digits(std::string_view digits) {
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (uid == static_cast<uid_t>(-1)) return std::nullopt;  // nobody's: chown(2) takes it as none
    return uid;
}

// A name goes before digits, as with chown(1).
std::optional<uid_t> uid_of_user(const std::string& user) {
    if (const passwd* entry = getpwnam(user.c_str())) return entry->pw_uid;
    return uid_of_digits(user);
}

// The rule is for "user", a name or digits, or for "uid", a number.
void read_user(ConfigSection& section, AppConfig& app) {
    const JsonValue* user = section.find("user", JsonValue::Type::text);
    const JsonValue* uid = section.find("uid", JsonValue::Type::number);
    if ((user != nullptr) == (uid != nullptr)) {
        section.complain("", "a rule is for one \"user\" (a name) or one \"uid\" (a number)");
        return;
    }
    if (const auto found = user ? uid_of_user(user->text) : uid_of_digits(uid->text))
        app.uid = *found;
    else if (user)
        section.complain("user", "there is no user " + in_quotes(user->text) + " on this host");
    else
        section.complain("uid", uid->text + " is no uid");
}

core::Permissions everything() {
    const std::vector<std::string> all{"**"};
    return {.publish = all,
            .subscribe = all,
            .send = all,
            .receive = all,
            .request = all,
            .serve = all};
}

}  // namespace

AppConfig read_app(ConfigSection& section) {
    AppConfig app;
    app.where = section.where();
    read_user(section, app);
    app.taps_payloads = section.boolean("tap_payloads", false);
    // With these alone it is a user who may do everything, within them.
    const bool is_addition = section.has("limits") || section.has("tap_payloads");
    app.may = has_permissions(section) || !is_addition ? read_permissions(section) : everything();
    section.object("limits", [&](ConfigSection& limits) {
        app.limits.waiting = read_publisher_bound(limits);
        if (limits.has("subscriptions"))
            app.limits.subscriptions = static_cast<std::uint32_t>(
                limits.number("subscriptions", 0, 1, limits::subscriptions_max));
        limits.finish();
    });
    section.finish();
    return app;
}

}  // namespace bus
