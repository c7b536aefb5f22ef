// A program's attachment to the agent of its host. A background thread sends and
// receives what no thread of the program does by the way, while it publishes or
// waits for a delivery. The agent may be away, restarted or slow: libbus waits
// for it, subscribes again and sends again what has no receipt.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bus/channel.h"
#include "bus/error.h"
#include "bus/export.h"
#include "bus/message.h"
#include "bus/receipt.h"
#include "bus/request.h"
#include "bus/subscription.h"

namespace bus {

struct ConnectOptions {
    // Where the agent's sockets are. Empty: $BUS_RUNTIME, and where that is not set /run/bus-agent.
    std::string runtime{};
    // For people, in `bus status`: 255 bytes of A-Z a-z 0-9 _ - and dots. Empty: the program's
    // name.
    std::string app{};
    // A name for this producer, 1 to 255 bytes, instead of a random id: then each message has its
    // PublishOptions::sequence, and the agent knows for 24 h what this user published under this
    // name, also through restarts of this program. What is safe already is not published again. One
    // connection at a time: a newer one ends the session of an older.
    std::string producer{};
    // How long close() waits for receipts.
    std::chrono::milliseconds linger{5000};
    // Bytes that may wait in this process for room in the agent and for receipts; publishers wait
    // beyond it. At least 512 KiB.
    std::uint64_t outbox_bytes = 16 * 1024 * 1024;
    // Messages joined into one batch; 0: as many as fit. 1 shows what batching is worth.
    std::uint32_t batch_messages_max = 0;
    // Runs callbacks (receipts, undelivered). Empty: a thread of the connection, started when first
    // needed.
    std::function<void(std::function<void()>)> executor{};
};

// Usable from any thread. After fork it is closed in the child.
class BUS_EXPORT Connection {
  public:
    // Does not wait for the agent. Throws Error: bad options, no file descriptors left.
    explicit Connection(ConnectOptions options = {});
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    // flush(linger); then what is left is told to on_undelivered, or to standard error.
    ~Connection();

    // Throw Error if the name is not tokens of A-Z a-z 0-9 _ - joined by dots, 255 bytes at most.
    Channel topic(std::string_view name) const;
    Channel queue(std::string_view name) const;

    // To everyone who subscribes to this topic, guaranteed. See Channel::publish. Faster than a
    // Channel of one's own only in typing: the name is compared with that of the open batch.
    void publish(std::string_view topic, Payload payload, const PublishOptions& options = {}) const;
    [[nodiscard]] Offer try_publish(std::string_view topic, Payload payload,
                                    const PublishOptions& options = {}) const;
    // To exactly one consumer of this queue. See Channel::send.
    [[nodiscard]] Receipt send(std::string_view queue, Payload payload,
                               const PublishOptions& options = {}) const;

    // A copy of everything published on topics that match: `*` is one token, a last `**` the rest.
    // Throws Error: bad filter or name, refused, no answer in time.
    [[nodiscard]] Consumer subscribe(std::string_view filter,
                                     const SubscribeOptions& options = {}) const;
    // The durable subscription, or the group, that the options name stands from now on, and
    // collects, whether or not somebody subscribes; nothing changes if it does already. Waits until
    // it is on disk here and this agent's; the other agents hear of it a moment later, or when they
    // are back. Of the options only durable, group and timeout count. Throws Error: as subscribe().
    void declare(std::string_view filter, const SubscribeOptions& options) const;
    // Competes with every other consumer of the queue.
    [[nodiscard]] Consumer receive(std::string_view queue,
                                   const SubscribeOptions& options = {}) const;

    // Asks one responder and waits for its answer. 64 KiB at most either way. A connection with a
    // producer's name asks nothing. Throws RequestError: there is no answer, and why; Error: a
    // mistake of the caller.
    Reply request(std::string_view service, Payload payload,
                  const RequestOptions& options = {}) const;
    // The same without waiting for the answer; for the agent, if that is away. 65,536 may be under
    // way.
    [[nodiscard]] PendingReply begin_request(std::string_view service, Payload payload,
                                             const RequestOptions& options = {}) const;
    // Asks every responder that has room, and collects so many answers, failed ones among them, or
    // what has come by the deadline.
    std::vector<Reply> request_many(std::string_view service, Payload payload, std::size_t at_most,
                                    const RequestOptions& options = {}) const;
    // Answers requests: what the handler returns is the answer, what it throws the requester's
    // error. Throws Error as subscribe() does.
    [[nodiscard]] Service serve(std::string_view service,
                                std::function<std::string(const Message& request)> handler,
                                const ServeOptions& options = {}) const;
    // The same, to be pulled: each Delivery is answered by reply() or fail(), or given back by
    // nack() for another responder, if it was not begun. Those whose deadline has passed do not
    // come.
    [[nodiscard]] Consumer serve(std::string_view service,
                                 const SubscribeOptions& options = {}) const;

    // What tools use: one request to the agent's admin socket, a JSON object like
    // {"request":"status"}, and its answer, a JSON object. nullopt: no answer in time.
    // Throws Error: not a JSON object with a "request", or the agent says why not.
    [[nodiscard]] std::optional<std::string> control(std::string_view json,
                                                     std::chrono::milliseconds timeout) const;

    // Called, on the executor, for each message that was taken and never will be delivered:
    // refused, expired before it left, or left over when the connection closes. Without it such
    // messages are counted on standard error.
    void on_undelivered(std::function<void(const Message&, std::string_view reason)> callback);

    // Waits until every message is safe, at most `timeout`. Returns how many are not.
    [[nodiscard]] std::size_t flush(std::chrono::milliseconds timeout) const;
    // As the destructor, and consumers end.
    void close() noexcept;
    bool is_connected() const noexcept;

  private:
    std::shared_ptr<client::Core> core_;
};

}  // namespace bus
