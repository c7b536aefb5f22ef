#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <system_error>

#include <bus/error.h>
#include "base/clock.h"
#include "base/unique_fd.h"
#include "base/z85.h"

namespace bus {
namespace {

namespace fs = std::filesystem;

// Form 2 has a next key; an agent that does not know it must not start with half of its keys.
constexpr std::string_view first_line = "bus-agent identity 1",
                           first_line_of_two = "bus-agent identity 2";
constexpr std::size_t file_bytes_max = 4096;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
    throw Error{"identity " + file.string() + ": " + what};
}
[[noreturn]] void fail_with_errno(const fs::path& file, const std::string& what) {
    fail(file, what + ": " + std::generic_category().message(errno));
}

// ---- The text: one line a field ----------------------------------------------

std::string to_text(const Identity& identity) {
    const std::string first{identity.next ? first_line_of_two : first_line};
    const std::string one = first + "\nagent " + to_text(identity.agent) + "\npublic " +
                            identity.public_key + "\nsecret " + identity.secret_key + "\n";
    if (!identity.next) return one;
    return one + "next-public " + identity.next->public_key + "\nnext-secret " +
           identity.next->secret_key + "\nnext-from " +
           std::to_string(identity.next->from_unix_seconds) + "\n";
}

// The rest of the next line, if it begins with the word and a blank.
std::string_view field(std::string_view& text, std::string_view word) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos || !text.starts_with(word)) return {};
    const auto line = text.substr(word.size(), end - word.size());
    text.remove_prefix(end + 1);
    return line;
}

// The secret's own public key must be the one beside it.
bool are_pair(std::string_view public_key, std::string_view secret_key) {
    const auto secret = z85_bytes(secret_key);
    if (!secret || secret->size() != crypto_box_SECRETKEYBYTES) return false;
    std::array<std::byte, crypto_box_PUBLICKEYBYTES> made{};
    if (crypto_scalarmult_base(reinterpret_cast<unsigned char*>(made.data()),
                               reinterpret_cast<const unsigned char*>(secret->data())) != 0)
        return false;
    return z85_text(made) == public_key;
}

std::optional<Identity::Next> next_from_text(std::string_view& text) {
    const auto public_key = field(text, "next-public ");
    const auto secret_key = field(text, "next-secret ");
    const auto from = field(text, "next-from ");
    std::uint64_t seconds = 0;
    const auto [end, error] = std::from_chars(from.data(), from.data() + from.size(), seconds);
    if (!are_pair(public_key, secret_key) || from.empty() || error != std::errc{} ||
        end != from.data() + from.size())
        return std::nullopt;
    return Identity::Next{std::string{public_key}, std::string{secret_key}, seconds};
}

std::optional<Identity> from_text(std::string_view text) {
    const bool two = text.starts_with(first_line_of_two);
    if (field(text, two ? first_line_of_two : first_line).data() == nullptr) return std::nullopt;
    const auto agent = id_from_text<AgentId>(field(text, "agent "));
    const auto public_key = field(text, "public ");
    const auto secret_key = field(text, "secret ");
    if (!agent || agent->is_zero() || !are_pair(public_key, secret_key)) return std::nullopt;
    Identity identity{*agent, std::string{public_key}, std::string{secret_key}, std::nullopt};
    if (two && !(identity.next = next_from_text(text))) return std::nullopt;
    if (!text.empty()) return std::nullopt;
    return identity;
}

// ---- The file ------------------------------------------------------------------

void refuse_open_file(const fs::path& file, int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) fail_with_errno(file, "cannot be looked at");
    if (!S_ISREG(status.st_mode)) fail(file, "is no regular file");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        fail(file, "others may read or write it, but it holds a secret key; run: chmod 600 " +
                       file.string());
}

// `file` is what it will be called in the end, and in messages.
void write_synced(const fs::path& draft, const fs::path& file, const std::string& text) {
    const UniqueFd fd{open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!fd) fail_with_errno(file, "cannot be made");
    if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        fsync(fd.get()) != 0) {
        const int cause = errno;
        unlink(draft.c_str());
        errno = cause;
        fail_with_errno(file, "cannot be written");
    }
}

void sync_folder(const fs::path& file) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
    const UniqueFd fd{open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd || fsync(fd.get()) != 0) fail_with_errno(file, "its folder cannot be synced");
}

struct Pair {
    std::string public_key, secret_key;
};

Pair make_pair() {
    if (sodium_init() < 0) throw Error{"libsodium cannot start: the system gives no randomness"};
    std::array<std::byte, crypto_box_PUBLICKEYBYTES> public_key{};
    std::array<std::byte, crypto_box_SECRETKEYBYTES> secret_key{};
    crypto_box_keypair(reinterpret_cast<unsigned char*>(public_key.data()),
                       reinterpret_cast<unsigned char*>(secret_key.data()));
    Pair pair{z85_text(public_key), z85_text(secret_key)};
    sodium_memzero(secret_key.data(), secret_key.size());
    return pair;
}

fs::path draft_beside(const fs::path& file) {
    return file.string() + "." + bus::to_text(random_id<AgentId>());
}

// Root may replace the file of the user whom the agent runs as.
void give_owner_of(const fs::path& file, const fs::path& draft) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0 ||
        chown(draft.c_str(), status.st_uid, status.st_gid) != 0) {
        const int cause = errno;
        unlink(draft.c_str());
        errno = cause;
        fail_with_errno(file, "cannot be replaced");
    }
}

// Under its name only when it is whole. False: another was there first.
bool write(const fs::path& file, const Identity& identity) {
    const fs::path draft = draft_beside(file);
    write_synced(draft, file, to_text(identity));
    const bool linked = link(draft.c_str(), file.c_str()) == 0;
    const int cause = errno;
    unlink(draft.c_str());
    if (linked) sync_folder(file);
    errno = cause;
    if (!linked && errno != EEXIST) fail_with_errno(file, "cannot be made");
    return linked;
}

}  // namespace

std::vector<std::string> Identity::public_keys() const {
    std::vector<std::string> keys{public_key};
    if (next) keys.push_back(next->public_key);
    return keys;
}

Identity make_identity() {
    Pair pair = make_pair();
    return {random_id<AgentId>(), std::move(pair.public_key), std::move(pair.secret_key),
            std::nullopt};
}

Identity with_next_key(const Identity& identity, std::chrono::seconds overlap,
                       std::uint64_t now_unix_seconds) {
    if (identity.next)
        throw Error{"this agent has a next key already, " + identity.next->public_key +
                    "; drop the old one before making another (bus identity drop)"};
    if (overlap <= std::chrono::seconds{0} || overlap > key_overlap_max)
        throw Error{"both keys are good for 1 s to 366 days"};
    Pair pair = make_pair();
    Identity rolling = identity;
    rolling.next = {std::move(pair.public_key), std::move(pair.secret_key),
                    now_unix_seconds + static_cast<std::uint64_t>(overlap.count())};
    return rolling;
}

Identity without_old_key(const Identity& identity) {
    if (!identity.next)
        throw Error{
            "this agent has one key only, which cannot be dropped; make the next one first "
            "(bus identity rotate)"};
    return {identity.agent, identity.next->public_key, identity.next->secret_key, std::nullopt};
}

bool is_old_key_over(const Identity& identity, std::uint64_t now_unix_seconds) {
    return identity.next && identity.next->from_unix_seconds <= now_unix_seconds;
}

void replace_identity(const fs::path& file, const Identity& identity) {
    const fs::path draft = draft_beside(file);
    write_synced(draft, file, to_text(identity));
    give_owner_of(file, draft);
    if (rename(draft.c_str(), file.c_str()) != 0) {
        const int cause = errno;
        unlink(draft.c_str());
        errno = cause;
        fail_with_errno(file, "cannot be replaced");
    }
    sync_folder(file);
}

std::optional<Identity> read_identity(const fs::path& file) {
    const UniqueFd fd{open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) {
        if (errno == ENOENT) return std::nullopt;
        fail_with_errno(file, "cannot be opened");
    }
    refuse_open_file(file, fd.get());
    std::array<char, file_bytes_max> buffer{};
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) fail_with_errno(file, "cannot be read");
    auto identity = from_text({buffer.data(), static_cast<std::size_t>(size)});
    sodium_memzero(buffer.data(), buffer.size());
    if (!identity)
        fail(file,
             "is damaged or no identity file; restore it from a backup, or move it away for a new "
             "identity (the peers then need its new key)");
    return identity;
}

Identity load_or_create_identity(const fs::path& file) {
    if (auto found = read_identity(file)) return *found;
    const Identity made = make_identity();
    if (write(file, made)) return made;
    if (auto others = read_identity(file)) return *others;
    fail(file, "was made and removed again while this agent started");
}

}  // namespace bus
