#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <system_error>

#include <bus/error.h>
#include "base/clock.h"
#include "base/unique_fd.h"
#include "base/z85.h"

namespace bus {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view first_line = "bus-agent identity 1";
constexpr std::size_t file_bytes_max = 4096;

[[noreturn]] void fail(const fs::path& file, const std::string& what) {
    throw Error{"identity " + file.string() + ": " + what};
}
[[noreturn]] void fail_with_errno(const fs::path& file, const std::string& what) {
    fail(file, what + ": " + std::generic_category().message(errno));
}

// ---- The text: one line a field ----------------------------------------------

std::string to_text(const Identity& identity) {
    return std::string{first_line} + "\nagent " + to_text(identity.agent) + "\npublic " +
           identity.public_key + "\nsecret " + identity.secret_key + "\n";
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

std::optional<Identity> from_text(std::string_view text) {
    if (field(text, first_line).data() == nullptr) return std::nullopt;
    const auto agent = id_from_text<AgentId>(field(text, "agent "));
    const auto public_key = field(text, "public ");
    const auto secret_key = field(text, "secret ");
    if (!agent || agent->is_zero() || !text.empty() || !are_pair(public_key, secret_key))
        return std::nullopt;
    return Identity{*agent, std::string{public_key}, std::string{secret_key}};
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

// Under its name only when it is whole. False: another was there first.
bool write(const fs::path& file, const Identity& identity) {
    const fs::path draft = file.string() + "." + bus::to_text(random_id<AgentId>());
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

Identity make_identity() {
    if (sodium_init() < 0) throw Error{"libsodium cannot start: the system gives no randomness"};
    std::array<std::byte, crypto_box_PUBLICKEYBYTES> public_key{};
    std::array<std::byte, crypto_box_SECRETKEYBYTES> secret_key{};
    crypto_box_keypair(reinterpret_cast<unsigned char*>(public_key.data()),
                       reinterpret_cast<unsigned char*>(secret_key.data()));
    Identity identity{random_id<AgentId>(), z85_text(public_key), z85_text(secret_key)};
    sodium_memzero(secret_key.data(), secret_key.size());
    return identity;
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
