// What SQLite's journal does when the disk fails, fills up, or lies.
#include <sys/mount.h>

#include <fstream>

#include "../journal_contract.h"
#include "faulty_vfs.h"
#include "temporary_journal.h"

namespace bus::journal {
namespace {

using namespace journal_contract;
using Journal = Subject<TemporaryJournal>;

template <class Answer, class Fixture>
Answer expect(Fixture& fixture) {
    core::JournalAnswer answer = fixture.next();
    REQUIRE(std::holds_alternative<Answer>(answer));
    return std::get<Answer>(std::move(answer));
}

// The journal of a test that sets options first.
struct Prepared : Journal {
    template <class Change>
    explicit Prepared(Change change) {
        fixture.stop();
        change(fixture.options);
        recovered = fixture.start();
    }
};

std::string contents(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}
void overwrite(const std::filesystem::path& path, std::size_t at, std::string_view bytes) {
    std::fstream out{path, std::ios::binary | std::ios::in | std::ios::out};
    out.seekp(static_cast<std::streamoff>(at));
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE(out.good());
}
std::filesystem::path wal(const TemporaryJournal& journal) {
    return journal.path().string() + "-wal";
}

// Batches of 1 MB in all, each owed once, with ids from `first`.
std::vector<Change> megabyte(std::uint64_t first) {
    static const Batch batch = make_batch("a", 50, 1'000);
    std::vector<Change> changes;
    for (std::uint64_t id = first; id < first + 20; ++id) {
        changes.emplace_back(put(id, batch));
        changes.emplace_back(owe(1, id));
    }
    return changes;
}

TEST_CASE("a commit whose sync failed is undecided, and the journal goes on") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch), owe(1, 1)});
    FaultyVfs::faults().syncs = 1;
    const auto number = journal.submit({put(2, batch), owe(1, 2)});
    CHECK(expect<Undecided>(journal.fixture).number == number);
    journal.commit({put(2, batch), owe(1, 2), put(3, batch), owe(1, 3)});
    journal.crash_and_restart();
    CHECK(journal.ids(stream(1)) == Ids{1, 2, 3});
    CHECK(journal.recovered.damage.empty());
}

TEST_CASE("while the disk cannot be opened again, submissions wait for the next retry") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    const Batch batch = make_batch("a");
    FaultyVfs::faults().syncs = -1;
    journal.submit({put(1, batch), owe(1, 1)});
    expect<Undecided>(journal.fixture);
    const auto number = journal.submit({put(1, batch), owe(1, 1)});
    FaultyVfs::faults().syncs = 0;
    journal.await(number);
    journal.crash_and_restart();
    CHECK(journal.ids(stream(1)) == Ids{1});
}

TEST_CASE("a write that fails before the commit leaves nothing behind") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch), owe(1, 1)});
    FaultyVfs::faults().writes = -1;
    const auto first = journal.submit({put(2, batch), owe(1, 2)});
    const core::JournalAnswer answer = journal.fixture.next();
    FaultyVfs::faults().writes = 0;
    const auto* undecided = std::get_if<Undecided>(&answer);
    REQUIRE(undecided != nullptr);
    CHECK(undecided->number == first);
    CHECK_FALSE(undecided->reason.empty());
    journal.commit({put(2, batch), owe(1, 2)});
    CHECK(journal.ids(stream(1)) == Ids{1, 2});
}

TEST_CASE("what was submitted before a failure was seen is dropped with it") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    const Batch batch = make_batch("a");
    FaultyVfs::faults().syncs = 1;
    journal.submit({put(1, batch), owe(1, 1)});
    journal.submit({settle(1, 1)}, false);
    for (std::uint64_t id = 2; id < 100; ++id) journal.submit({put(id, batch), owe(1, id)});
    expect<Undecided>(journal.fixture);
    journal.commit({put(200, batch), owe(1, 200)});
    // What is left of the dropped ones is what was in the undecided commit: a prefix.
    Ids expected = journal.ids(stream(1));
    CHECK(expected.back() == 200);
    for (std::size_t at = 1; at + 1 < expected.size(); ++at)
        CHECK(expected[at] == expected[at - 1] + 1);
}

TEST_CASE("a read that fails is tried again") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    journal.commit(megabyte(1));
    journal.restart();  // nothing is cached
    FaultyVfs::faults().reads = 1;
    journal.fixture.read({stream(1), BatchId{0}, 1 << 20, std::nullopt});
    core::JournalAnswer answer = journal.fixture.next();
    while (std::holds_alternative<Committed>(answer)) answer = journal.fixture.next();
    REQUIRE(std::holds_alternative<Loaded>(answer));
    CHECK(std::get<Loaded>(answer).entries.size() == 20);
}

TEST_CASE("on a full disk new data is refused, settling goes on, and it resumes by itself") {
    const FaultyVfs vfs;
    Prepared journal{[](StoreOptions& options) { options.vfs = FaultyVfs::name; }};
    journal.commit(megabyte(1));
    FaultyVfs::faults().room = 1;
    const auto number = journal.submit(megabyte(100));
    const auto failed = expect<Failed>(journal.fixture);
    CHECK(failed.number == number);
    CHECK(failed.cause == Failed::Cause::full);
    CHECK(failed.space.full);
    journal.commit({settle(1, 1), settle(1, 2)});
    while (journal.space.full) journal.space = expect<Committed>(journal.fixture).space;
    journal.commit(megabyte(100));
    CHECK(journal.ids(stream(1)).size() == 38);
}

TEST_CASE("at its own limit the journal refuses what comes, and takes it when there is room") {
    Prepared journal{[](StoreOptions& options) { options.max_bytes = 16 * limits::MiB; }};
    std::uint64_t first = 1;
    std::optional<Failed> failed;
    while (!failed && first < 1'000) {
        const auto number = journal.submit(megabyte(first));
        const core::JournalAnswer answer = journal.fixture.next();
        if (const auto* full = std::get_if<Failed>(&answer)) {
            failed = *full;
            CHECK(full->number == number);
        } else {
            first += 20;
        }
    }
    REQUIRE(failed);
    CHECK(failed->cause == Failed::Cause::full);
    CHECK(failed->reason.find("max_bytes") != std::string::npos);
    CHECK(failed->space.file_bytes <= 16 * limits::MiB);
    std::vector<Change> settled;
    for (std::uint64_t id = 1; id < first; ++id) settled.emplace_back(settle(1, id));
    journal.commit(std::move(settled));
    while (journal.space.full) journal.space = expect<Committed>(journal.fixture).space;
    journal.commit(megabyte(first));
    CHECK(journal.ids(stream(1)).front() == first);
}

TEST_CASE("beyond their share of the journal the oldest dead letters go, counted") {
    Prepared journal{[](StoreOptions& options) { options.max_bytes = limits::journal_bytes_min; }};
    const Batch batch = make_batch("a", 50, 1'000);
    constexpr std::uint64_t buried = 200;
    for (std::uint64_t id = 1; id <= buried; ++id)
        journal.commit({put(id, batch), owe(1, id), Bury{stream(1), BatchId{id}, {}, 0, 50, "x", 1},
                        settle(1, id)});
    const auto& space = journal.space;
    const auto share = limits::journal_bytes_min / 100 * limits::dead_letter_share_percent;
    CHECK(space.dead_letters / 50 == share / batch.size());
    CHECK(space.dead_letters + space.dead_letters_dropped == buried * 50);
}

TEST_CASE("a group of which one does not fit is committed up to that one") {
    TemporaryFolder folder;
    Store store{{.path = (folder / "journal.db").string(),
                 .agent = AgentId{{1, 1}},
                 .max_bytes = 12 * limits::MiB,
                 .min_free = 0,
                 .wal_bytes = 0,
                 .ballast_bytes = 4096}};
    std::vector<core::Transaction> group;
    for (std::uint64_t n = 1; n <= 10; ++n)
        group.push_back({Submission{n}, true, megabyte(n * 100)});
    Answers answers;
    CHECK_FALSE(store.apply(group, answers));
    REQUIRE(answers.size() == 2);
    const auto* committed = std::get_if<Committed>(&answers[0]);
    const auto* failed = std::get_if<Failed>(&answers[1]);
    REQUIRE((committed && failed));
    CHECK(failed->number == committed->through.next());
    CHECK(committed->through >= Submission{1});
}

// A file system of 24 MiB, where the test may mount one.
class SmallFileSystem {
  public:
    explicit SmallFileSystem(std::string path) : path_(std::move(path)) {
        std::filesystem::create_directory(path_);
        mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=24m") == 0;
    }
    ~SmallFileSystem() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    SmallFileSystem(const SmallFileSystem&) = delete;
    SmallFileSystem& operator=(const SmallFileSystem&) = delete;
    bool is_mounted() const noexcept { return mounted_; }

  private:
    std::string path_;
    bool mounted_ = false;
};

TEST_CASE("a small file system fills up, is drained and filled again") {
    TemporaryFolder folder;
    const std::string mounted = folder / "small";
    const SmallFileSystem small{mounted};
    if (!small.is_mounted()) {
        MESSAGE("not allowed to mount: not tested here");
        return;
    }
    Store store{{.path = mounted + "/journal.db",
                 .agent = AgentId{{1, 1}},
                 .max_bytes = limits::journal_bytes_min,
                 .min_free = 0,
                 .wal_bytes = 2 * limits::MiB,
                 .ballast_bytes = 1 * limits::MiB}};
    Answers answers;
    std::uint64_t id = 1, number = 0;
    const auto apply = [&](std::vector<Change> changes) {
        const core::Transaction one{Submission{++number}, true, std::move(changes)};
        answers.clear();
        return store.apply({&one, 1}, answers);
    };
    for (int round = 0; round < 3; ++round) {
        const std::uint64_t first = id;
        while (id < first + 2'000 && apply(megabyte(id))) id += 20;
        CHECK(std::holds_alternative<Failed>(answers.back()));
        CHECK(id > first);
        for (std::uint64_t at = first; at < id; ++at) REQUIRE(apply({settle(1, at)}));
        CHECK(store.space().live_bytes == 0);
        CHECK(store.needs_retry());
        while (store.tidy(answers)) {
        }
        answers.clear();
        store.retry(answers);
        CHECK_FALSE(store.needs_retry());
    }
}

TEST_CASE("a flipped byte in a batch is named, and the rest is read") {
    Journal journal;
    const Batch batch = make_batch("a", 7, 5'000), other = make_batch("a", 7, 5'000, 'Q');
    journal.commit({put(1, batch), owe(1, 1), put(2, other, 2), owe(1, 2), owe(2, 2), put(3, batch),
                    owe(1, 3)});
    journal.fixture.stop();
    std::filesystem::remove(wal(journal.fixture));  // it still has the same pages
    const auto flipped = contents(journal.fixture.path()).rfind(std::string(1'000, 'Q'));
    REQUIRE(flipped != std::string::npos);
    overwrite(journal.fixture.path(), flipped, "q");
    journal.recovered = journal.fixture.start();

    journal.fixture.read({stream(1), BatchId{0}, 1 << 20, std::nullopt});
    const auto damaged = expect<Damaged>(journal.fixture);
    REQUIRE(damaged.lost.size() == 2);  // in both streams that owed it
    for (std::size_t at = 0; at < 2; ++at) {
        CHECK(damaged.lost[at].stream == stream(static_cast<std::uint32_t>(at + 1)));
        CHECK(damaged.lost[at].first == damaged.lost[at].last);
        CHECK(damaged.lost[at].messages == 7);
    }
    const BatchId lost = damaged.lost[0].first;
    const auto loaded = expect<Loaded>(journal.fixture);
    REQUIRE(loaded.entries.size() == 3);
    for (const auto& entry : loaded.entries) CHECK(bool(entry.batch) == (entry.id != lost));
    // Named once; gone from its streams.
    CHECK(journal.ids(stream(1)).size() == 2);
    journal.restart();
    CHECK(journal.found(stream(2)) == nullptr);
    CHECK(journal.recovered.space.live_bytes == 2 * batch.size());
}

TEST_CASE("commits that were reported and are gone are named") {
    Journal journal;
    const Batch batch = make_batch("a");
    for (std::uint64_t id = 1; id <= 10; ++id) journal.commit({put(id, batch), owe(1, id)});
    journal.fixture.crash();
    const std::string log = contents(wal(journal.fixture));
    const auto at = log.rfind(as_text(batch.bytes()).substr(0, 64));
    REQUIRE(at != std::string::npos);
    overwrite(wal(journal.fixture), at, "!");  // in the last frames: SQLite takes it for the end
    journal.recovered = journal.fixture.start();
    REQUIRE(journal.recovered.damage.size() == 1);
    const auto& lost = journal.recovered.damage.front().lost;
    REQUIRE(lost.size() == 1);
    const auto ids = journal.ids(stream(1));
    CHECK(lost.front().first.value == (ids.empty() ? 1 : ids.back() + 1));
    CHECK(lost.front().last == BatchId{10});
    CHECK(journal.recovered.last_batch == BatchId{10});
    journal.restart();
    CHECK(journal.recovered.damage.empty());  // once is enough
}

TEST_CASE("a torn tail is no damage") {
    Journal journal;
    const Batch batch = make_batch("a");
    journal.commit({put(1, batch), owe(1, 1)});
    journal.fixture.crash();
    // A commit that was under way: bytes behind the last frame.
    const std::string log = contents(wal(journal.fixture));
    const auto end = log.find_last_not_of('\0') + 1;
    overwrite(wal(journal.fixture), end + 16, std::string(20'000, 'z'));
    journal.recovered = journal.fixture.start();
    CHECK(journal.recovered.damage.empty());
    CHECK(journal.ids(stream(1)) == Ids{1});
}

TEST_CASE("what is no database any more is set aside, and the agent starts") {
    Journal journal;
    const Batch batch = make_batch("a");
    journal.commit({put(41, batch), owe(1, 41)});
    const auto before = journal.recovered.incarnation_now;
    journal.fixture.stop();
    overwrite(journal.fixture.path(), 0, std::string(4'096, '#'));
    std::filesystem::remove(wal(journal.fixture));  // it would heal the first page
    journal.recovered = journal.fixture.start();
    REQUIRE(journal.recovered.damage.size() == 2);
    CHECK(journal.recovered.damage[0].reason.find(".damaged-") != std::string::npos);
    CHECK(journal.recovered.damage[1].lost.front().first == BatchId{1});
    CHECK(journal.recovered.damage[1].lost.front().last == BatchId{41});
    CHECK(journal.recovered.streams.empty());
    CHECK(journal.recovered.last_batch == BatchId{41});
    CHECK(journal.recovered.incarnation_now > before);
    journal.commit({put(42, batch), owe(1, 42)});
    journal.crash_and_restart();
    CHECK(journal.ids(stream(1)) == Ids{42});
}

// The last page that has it.
void overwrite_page_with(Journal& journal, const std::string& needle) {
    std::filesystem::remove(wal(journal.fixture));
    const auto at = contents(journal.fixture.path()).rfind(needle);
    REQUIRE(at != std::string::npos);
    overwrite(journal.fixture.path(), at / page_bytes * page_bytes, std::string(page_bytes, '#'));
}

TEST_CASE("a damaged page costs what is on it, and every loss is named") {
    Journal journal;
    for (std::uint64_t id = 1; id <= 100; id += 20) journal.commit(megabyte(id));
    const Batch needle = make_batch("a", 50, 1'000, 'n');
    journal.commit({durable(1, "alarms"), put(101, needle), owe(1, 101)});
    for (std::uint64_t id = 102; id <= 200; id += 20) journal.commit(megabyte(id));
    journal.fixture.stop();
    overwrite_page_with(journal, std::string(100, 'n'));
    journal.recovered = journal.fixture.start();

    std::vector<bool> known(202);
    std::size_t readable = 0;
    ReadBack request{stream(1), BatchId{0}, 1 << 20, std::nullopt};
    journal.fixture.read(request);
    while (true) {
        const core::JournalAnswer answer = journal.fixture.next();
        if (const auto* damaged = std::get_if<Damaged>(&answer))
            for (const auto& lost : damaged->lost)
                for (auto id = lost.first.value; id <= lost.last.value; ++id) known[id] = true;
        const auto* loaded = std::get_if<Loaded>(&answer);
        if (!loaded) continue;
        for (const auto& entry : loaded->entries) {
            if (entry.batch) known[entry.id.value] = true;
            readable += bool(entry.batch);
            request.after = entry.id;
        }
        if (loaded->last) break;
        journal.fixture.read(request);
    }
    CHECK(std::count(known.begin() + 1, known.end(), false) == 0);
    CHECK(readable > 180);
    journal.commit(megabyte(300));
    journal.crash_and_restart();
    CHECK(journal.ids(stream(1)).size() == readable + 20);
    CHECK(journal.recovered.destinations.size() == 1);
    CHECK(journal.recovered.damage.empty());
}

TEST_CASE("totals of channels are counted anew where their page is damaged") {
    Journal journal;
    const Batch needle = make_batch("needle", 2, 100), other = make_batch("other", 3, 100);
    journal.commit({durable(1, "alarms"), put(1, needle, 2), owe(1, 1), owe(2, 1), put(2, other),
                    owe(1, 2), put(3, needle), owe(2, 3)});
    journal.fixture.stop();
    overwrite_page_with(journal, "needle");  // of its total: the table stands behind the batches
    journal.recovered = journal.fixture.start();
    journal.fixture.submit({Submission{1}, true, {core::Watch{1, {{{std::nullopt, "*"}}}}}});
    std::size_t failed = 0;
    while (true) {
        const core::JournalAnswer answer = journal.fixture.next();
        if (std::holds_alternative<core::Failed>(answer) && ++failed == 1)
            journal.fixture.submit(
                {Submission{1}, true, {core::Watch{1, {{{std::nullopt, "*"}}}}}});
        const auto* watched = std::get_if<core::Watched>(&answer);
        if (watched == nullptr) continue;
        CHECK(watched->all.front().bytes == 2 * needle.size() + other.size());
        CHECK(watched->all.front().messages == 2 * needle.messages() + other.messages());
        break;
    }
    CHECK(failed + journal.recovered.damage.size() == 1);
}

TEST_CASE("two agents never share a journal") {
    Journal journal;
    auto options = journal.fixture.options;
    CHECK_THROWS_WITH_AS(Store{options}, doctest::Contains("another agent"), Error);
    journal.fixture.stop();
    CHECK_NOTHROW(Store{options});
}

TEST_CASE("the journal of another agent is refused") {
    Journal journal;
    journal.fixture.stop();
    auto options = journal.fixture.options;
    options.agent = AgentId{{9, 9}};
    CHECK_THROWS_WITH_AS(Store{options}, doctest::Contains("the identity file is that of"), Error);
}

TEST_CASE("a journal of a newer version is refused and left alone") {
    Journal journal;
    journal.fixture.stop();
    {
        Database database{journal.fixture.path().string()};
        database.require("PRAGMA user_version = 99");
    }
    CHECK_THROWS_WITH_AS(Store{journal.fixture.options}, doctest::Contains("has version 99"),
                         Error);
    Database database{journal.fixture.path().string()};
    CHECK(database.ask("SELECT count(*) FROM meta") == 1);
}

TEST_CASE("a journal of version 1 is brought forward, with what it has") {
    Journal journal;
    const Batch batch = make_batch("a");
    journal.commit({durable(1, "alarms"), put(1, batch), owe(1, 1)});
    journal.fixture.stop();
    {
        Database database{journal.fixture.path().string()};
        database.require("DROP TABLE last_value");
        database.require("PRAGMA user_version = 1");
    }
    journal.restart();
    CHECK(journal.read(stream(1)).size() == 1);
    journal.commit({PutLastValue{make_batch("b", 1), 0}});
    journal.crash_and_restart();
    CHECK(journal.recovered.last_values.size() == 1);
}

TEST_CASE("a damaged last value is named, and is none any more") {
    Journal journal;
    journal.commit({PutLastValue{make_batch("a", 1), 0}, PutLastValue{make_batch("b", 1), 0}});
    journal.fixture.stop();
    {
        Database database{journal.fixture.path().string()};
        database.require("UPDATE last_value SET expires = 9 WHERE channel = 'a'");
    }
    journal.restart();
    REQUIRE(journal.recovered.last_values.size() == 1);
    CHECK(journal.recovered.last_values[0].batch.header().channel == "b");
    REQUIRE(journal.recovered.lost_last_values.size() == 1);
    CHECK(journal.recovered.lost_last_values[0].channel == "a");
    REQUIRE(journal.recovered.damage.size() == 1);
    CHECK(journal.recovered.damage[0].reason.find("last value of a") != std::string::npos);
}

TEST_CASE("another program's database is refused and left alone") {
    TemporaryFolder folder;
    const std::string path = folder / "journal.db";
    {
        Database database{path};
        database.require("CREATE TABLE cookies (id INTEGER PRIMARY KEY)");
    }
    CHECK_THROWS_WITH_AS((Store{{.path = path, .agent = AgentId{{1, 1}}}}),
                         doctest::Contains("another program"), Error);
}

TEST_CASE("the pragmas are those of the specification") {
    TemporaryFolder folder;
    Database database = open_database(folder / "journal.db", nullptr, 0);
    CHECK(database.ask("PRAGMA page_size") == std::int64_t{page_bytes});
    CHECK(database.ask("PRAGMA auto_vacuum") == 2);
    CHECK(database.ask("PRAGMA synchronous") == 2);
    CHECK(database.ask("PRAGMA secure_delete") == 0);
    CHECK_FALSE(std::filesystem::exists(folder / "journal.db-shm"));
}

TEST_CASE("after an outage the file shrinks again") {
    TemporaryFolder folder;
    Store store{{.path = (folder / "journal.db").string(),
                 .agent = AgentId{{1, 1}},
                 .min_free = 0,
                 .wal_bytes = 0,
                 .ballast_bytes = 4096}};
    Answers answers;
    std::uint64_t number = 0;
    const auto apply = [&](std::vector<Change> changes) {
        const core::Transaction one{Submission{++number}, true, std::move(changes)};
        REQUIRE(store.apply({&one, 1}, answers));
    };
    for (std::uint64_t id = 1; id <= 1'200; id += 20) apply(megabyte(id));
    const auto large = std::filesystem::file_size(folder / "journal.db");
    CHECK(large > 40 * limits::MiB);
    std::vector<Change> settled;
    for (std::uint64_t id = 1; id <= 1'200; ++id) settled.emplace_back(settle(1, id));
    apply(std::move(settled));
    while (store.tidy(answers)) {
    }
    CHECK(std::filesystem::file_size(folder / "journal.db") < 20 * limits::MiB);
    CHECK(store.space().live_bytes == 0);
}

TEST_CASE("the log keeps its room on disk when the journal is closed") {
    Journal journal;
    journal.commit({put(1, make_batch("a")), owe(1, 1)});
    journal.fixture.stop();
    CHECK(std::filesystem::file_size(wal(journal.fixture)) >= 256 * limits::KiB);
}

}  // namespace
}  // namespace bus::journal
