// Both directions of a tunnel.
#include "core/tunnel.hpp"

#include "core/exchange.hpp"
#include "core/request_id.hpp"
#include "net/gate.hpp"

#include <array>
#include <utility>

namespace headroom::core {
namespace {

/// Two streams joined; either one's failure or a long silence ends both.
class Tunnel {
  public:
    Tunnel(Attempt& attempt)
        : attempt_(attempt),
          shard_(attempt.exchange().shard()),
          client_(attempt.exchange().session().stream()),
          backend_(attempt.stream()),
          silence_(shard_.loop().deadlines(), [](void* self) { static_cast<Tunnel*>(self)->end(); }, this) {}

    net::Task<bool> send_head() {
        net::HeadWriter writer(shard_.loop().buffers(), 1024, shard_.config().limits.head_bytes_max);
        const net::Head& head = attempt_.reader().head();
        writer.status_line(head.status(), head.reason()).copy_end_to_end(head);
        add_request_id(writer, head, attempt_.exchange().record().id);
        writer.field("Connection", "Upgrade").field("Upgrade", head.upgrade()).end();
        net::Slice bytes = writer.take();
        if (bytes.empty()) co_return false;
        co_return co_await pass(&client_, std::move(bytes));
    }

    net::Task<void> run() {
        net::Gate other_direction;
        other_direction.spawn(pump(&backend_, &client_, attempt_.reader().take_buffered(), &bytes_out_));
        co_await pump(&client_, &backend_, attempt_.exchange().session().reader().take_buffered(),
                      &bytes_in_);
        co_await other_direction.close();
        silence_.disarm();
    }

    std::uint64_t bytes_out() const noexcept { return bytes_out_; }

  private:
    net::Task<void> pump(net::Stream* from, net::Stream* to, net::Slice first, std::uint64_t* count) {
        net::Slice bytes = std::move(first);
        while (true) {
            if (bytes.empty()) {
                net::Result<net::Slice> received = co_await from->receive();
                if (!received) break;
                bytes = std::move(*received);
                if (bytes.empty()) {
                    co_await to->finish();
                    co_return;
                }
            }
            *count += bytes.size();
            if (!co_await pass(to, std::move(bytes))) break;
            bytes = net::Slice();
        }
        end();
    }

    net::Task<bool> pass(net::Stream* to, net::Slice bytes) {
        silence_.arm(shard_.loop().now() + shard_.config().timeouts.tunnel);
        std::array<iovec, 1> piece{iovec{bytes.mutable_data(), bytes.size()}};
        const net::Result<void> sent = co_await to->send(piece);
        co_return sent.ok();
    }

    void end() noexcept {
        client_.cancel({net::ErrorCode::cancelled, net::Side::local, false});
        backend_.cancel({net::ErrorCode::cancelled, net::Side::local, false});
    }

    Attempt& attempt_;
    Shard& shard_;
    net::Stream& client_;
    net::Stream& backend_;
    net::Deadline silence_;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
};

} // namespace

net::Task<Attempt::End> run_tunnel(Attempt* owner) {
    Attempt& attempt = *owner;
    Exchange& exchange = attempt.exchange();
    exchange.session().stream().watch(nullptr, nullptr);
    attempt.stream().watch(nullptr, nullptr);
    exchange.close_client();
    AccessRecord& record = exchange.record();
    record.status = attempt.reader().head().status();
    Tunnel tunnel(attempt);
    if (co_await tunnel.send_head()) co_await tunnel.run();
    record.outcome = Outcome::tunnelled;
    record.bytes_out = tunnel.bytes_out();
    attempt.lease().abandon(balance::tokens_of_bytes(tunnel.bytes_out()), exchange.shard().loop().now());
    attempt.close_connection();
    co_return Attempt::End::taken;
}

} // namespace headroom::core
