#include "wire/admin_arguments.h"

#include "wire/local_json.h"

namespace bus::wire {

Expected<AdminArguments, Malformed> admin_arguments(const AdminRequest& request) {
    AdminArguments arguments;
    const Json object = Json::parse(request.text, nullptr, false);
    if (!object.is_object()) return arguments;  // made here, not read: without any
    for (const auto& [key, value] : object.items()) {
        if (key == "type" || key == "id" || key == "request") continue;
        if (value.is_boolean())
            arguments.flags[key] = value.get<bool>();
        else if (value.is_number_unsigned())
            arguments.numbers[key] = value.get<std::uint64_t>();
        else if (value.is_string())
            arguments.texts[key] = value.get<std::string>();
        else
            return Unexpected{
                Malformed{Reject::malformed, request.id,
                          '"' + key + "\" must be true, false, a whole number or a string"}};
    }
    return arguments;
}

}  // namespace bus::wire
