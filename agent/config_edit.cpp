#include "config_edit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "base/unique_fd.h"
#include "bus/error.h"
#include "config.h"
#include "json_document.h"

namespace bus {
namespace {

namespace fs = std::filesystem;

// ---- The text ----------------------------------------------------------------------------

const JsonValue* member_of(const JsonValue& object, std::string_view key) {
    const auto found = std::ranges::find(object.members, key, &JsonMember::key);
    return found == object.members.end() ? nullptr : &found->value;
}

bool is_named(const JsonValue& peer, const std::string& name) {
    const JsonValue* const found = member_of(peer, "name");
    return found != nullptr && found->text == name;
}

// Behind white space and comments.
std::size_t skip_blanks(std::string_view text, std::size_t at) {
    while (true) {
        at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
        const auto comment = text.substr(at, 2);
        if (comment == "//")
            at = std::min(text.find('\n', at), text.size());
        else if (comment == "/*")
            at = std::min(text.find("*/", at + 2), text.size() - 2) + 2;
        else
            return at;
    }
}

// With its end of line, if nothing else stands there.
void cut_line_if_blank(std::string& text, std::size_t at) {
    const auto before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const auto begin = before == std::string::npos ? 0 : before + 1;
    const auto newline = text.find('\n', at);
    const auto end = newline == std::string::npos ? text.size() : newline + 1;
    const auto blank = text.find_first_not_of(" \t\r\n", begin);
    if (blank == std::string::npos || blank >= end) text.erase(begin, end - begin);
}

// Of `items[index]`, with the comma that it does not need any more.
std::string without_item(std::string text, const std::vector<JsonValue>& items, std::size_t index) {
    const JsonValue& item = items[index];
    const auto behind = skip_blanks(text, item.end);
    if (text[behind] == ',') text.erase(behind, 1);
    text.erase(item.begin, item.end - item.begin);
    cut_line_if_blank(text, item.begin);
    if (index + 1 == items.size() && index > 0)
        text.erase(skip_blanks(text, items[index - 1].end), 1);
    return text;
}

// ---- The files ---------------------------------------------------------------------------

std::string why() { return std::generic_category().message(errno); }

std::string read_file(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) throw Error{file.string() + " cannot be read: " + why()};
    return std::move(text).str();
}

void sync_folder_of(const fs::path& file) {
    const UniqueFd folder{::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder || ::fsync(folder.get()) != 0)
        throw Error{file.parent_path().string() + " cannot be synced: " + why()};
}

void write_all(int fd, std::string_view text, const fs::path& file) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw Error{file.string() + " cannot be written: " + why()};
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd) != 0) throw Error{file.string() + " cannot be synced: " + why()};
}

// A file beside another, until it takes its place.
class Successor {
  public:
    explicit Successor(const fs::path& of) : of_(of), path_(of.string() + ".new") {
        struct stat old {};
        if (::stat(of.c_str(), &old) != 0) throw Error{of.string() + ": " + why()};
        fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!fd_) throw Error{path_.string() + " cannot be written: " + why()};
        const bool same = ::fchmod(fd_.get(), old.st_mode & 07777) == 0 &&
                          ::fchown(fd_.get(), old.st_uid, old.st_gid) == 0;
        if (!same) throw Error{path_.string() + " cannot be given its owner: " + why()};
    }
    ~Successor() {
        if (fd_) static_cast<void>(::unlink(path_.c_str()));  // it did not come to that
    }
    Successor(const Successor&) = delete;
    Successor& operator=(const Successor&) = delete;

    void write(std::string_view text) { write_all(fd_.get(), text, path_); }
    const fs::path& path() const { return path_; }
    void take_its_place() {
        if (::rename(path_.c_str(), of_.c_str()) != 0)
            throw Error{of_.string() + " cannot be replaced: " + why()};
        fd_.reset();
        sync_folder_of(of_);
    }

  private:
    const fs::path of_, path_;
    UniqueFd fd_;
};

void replace(const fs::path& file, const std::string& text) {
    Successor next{fs::canonical(file)};  // a link stays one
    next.write(text);
    static_cast<void>(load_config(next.path()));  // it throws if the cut has spoiled anything
    next.take_its_place();
}

void remove_file(const fs::path& file) {
    if (::unlink(file.c_str()) != 0) throw Error{file.string() + " cannot be removed: " + why()};
    sync_folder_of(file);
}

std::optional<fs::path> file_of_its_own(const fs::path& file, const std::string& name) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator{file.parent_path() / "peers.d", absent}) {
        if (entry.path().extension() != ".json") continue;
        const auto peer = parse_json(read_file(entry.path()));
        if (peer && is_named(*peer, name)) return entry.path();
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> without_peer(std::string_view text, const std::string& name) {
    const auto document = parse_json(text);
    if (!document) return std::nullopt;
    const JsonValue* const peers = member_of(*document, "peers");
    if (peers == nullptr) return std::nullopt;
    for (std::size_t index = 0; index < peers->items.size(); ++index)
        if (is_named(peers->items[index], name))
            return without_item(std::string{text}, peers->items, index);
    return std::nullopt;
}

std::optional<std::string> with_listen(std::string_view text, const std::string& address) {
    const auto document = parse_json(text);
    if (!document || document->type != JsonValue::Type::object) return std::nullopt;
    if (member_of(*document, "listen") != nullptr) return std::nullopt;
    std::string changed{text};
    const std::size_t at = document->begin + 1;
    changed.insert(at, "\n  \"listen\": [\"" + address + "\"]" +
                           (document->members.empty() ? "" : ",") +
                           (text.substr(at).starts_with('\n') ? "" : "\n  "));
    return changed;
}

std::string add_listen(const fs::path& file, const std::string& address) {
    std::string before = read_file(file);
    const auto text = with_listen(before, address);
    if (!text)
        throw Error{file.string() +
                    " says already where this agent listens: change \"listen\" there, and restart "
                    "the agent"};
    replace(file, *text);
    return before;
}

void restore(const fs::path& file, const std::string& before) { replace(file, before); }

fs::path add_peer_file(const fs::path& file, const std::string& name, std::string_view entry) {
    const fs::path path = file.parent_path() / "peers.d" / (name + ".json");
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    const UniqueFd made{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (!made && errno == EEXIST)
        throw Error{path.string() + " is there already: `bus peer remove " + name +
                    "` removes that peer"};
    if (!made) throw Error{path.string() + " cannot be written: " + why()};
    try {
        write_all(made.get(), entry, path);
        if (::fchmod(made.get(), 0644) != 0)  // there is no secret in it, and the agent reads it
            throw Error{path.string() + ": " + why()};
        sync_folder_of(path);
    } catch (const Error&) {
        static_cast<void>(::unlink(path.c_str()));
        throw;
    }
    return path;
}

void remove_peer_file(const fs::path& path) { remove_file(path); }

std::string remove_peer_entry(const fs::path& file, const std::string& name) try {
    if (const auto text = without_peer(read_file(file), name)) {
        replace(file, *text);
        return "its entry was taken out of " + file.string();
    }
    const auto own = file_of_its_own(file, name);
    if (!own) throw Error{"there is no entry of that name"};
    remove_file(*own);
    return own->string() + " was removed";
} catch (const std::exception& error) {
    throw Error{"the entry of \"" + name + "\" is still in the configuration: " + error.what() +
                ". Take it out of " + file.string() +
                " (or peers.d beside it), `bus reload`, and "
                "then remove the peer again"};
}

}  // namespace bus
