#include "runtime/sockets/tls_session.hpp"

#include "tests/unit/links/two_nodes.hpp"

using namespace dunlin;
using namespace dunlin::sockets;
using namespace dunlin::tests;

using state = tls_session::state;

struct TlsSession : TwoNodes {
  tls_session session(const crypto::bundle& identity, bool as_server) {
    return {peer_context(identity).value(), as_server};
  }

  /// What one has to say goes to the other, in pieces. True if there was something.
  static bool carry(tls_session& from, tls_session& to, std::size_t piece) {
    std::string bytes;
    from.take_output(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      to.add_input(bytes.data() + at, std::min(piece, bytes.size() - at));
    return !bytes.empty();
  }

  struct states {
    state client = state::wants_more, server = state::wants_more;
  };
  static states shake(tls_session& client, tls_session& server, std::size_t piece = 65536) {
    states now;
    do {
      if (now.client == state::wants_more) now.client = client.handshake();
      carry(client, server, piece);
      if (now.server == state::wants_more) now.server = server.handshake();
    } while (carry(server, client, piece));
    return now;
  }

  static std::string read_all(tls_session& from, state& last) {
    std::string out, part(1000, '\0');
    for (std::size_t bytes = 0;; out.append(part, 0, bytes))
      if (last = from.read(part.data(), part.size(), bytes); last != state::done) return out;
  }
};

TEST_F(TlsSession, CarriesBytesBothWaysHoweverTheyAreCut) {
  for (const auto piece : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
    auto client = session(of("n1"), false);
    auto server = session(of("n2"), true);
    const auto shaken = shake(client, server, piece);
    ASSERT_EQ(shaken.client, state::done);
    ASSERT_EQ(shaken.server, state::done);
    EXPECT_EQ(crypto::certificate_name(client.peer_certificate()).value(), "n2");
    EXPECT_EQ(crypto::certificate_name(server.peer_certificate()).value(), "n1");
    const std::string question(100000, 'q'), answer(3, 'a');
    EXPECT_TRUE(client.write(question.data(), question.size()));
    EXPECT_TRUE(server.write(answer.data(), answer.size()));
    EXPECT_FALSE(server.readable());
    carry(client, server, piece);
    carry(server, client, piece);
    EXPECT_TRUE(server.readable());
    auto last = state::done;
    EXPECT_EQ(read_all(server, last), question);
    EXPECT_EQ(last, state::wants_more);
    EXPECT_EQ(read_all(client, last), answer);
    EXPECT_FALSE(server.readable());
  }
}

TEST_F(TlsSession, TellsAStrangerThatItIsRefused) {
  auto client = session(stranger("n1"), false);
  auto server = session(of("n2"), true);
  const auto shaken = shake(client, server);
  EXPECT_EQ(shaken.client, state::broken);  // our CA is not theirs, either
  EXPECT_EQ(shaken.server, state::broken);  // by the alert that left although the client broke
}

TEST_F(TlsSession, BreaksOnAByteThatWasChangedOnTheWay) {
  auto client = session(of("n1"), false);
  auto server = session(of("n2"), true);
  ASSERT_EQ(shake(client, server).server, state::done);
  EXPECT_TRUE(client.write("hello", 5));
  std::string bytes;
  client.take_output(bytes);
  bytes.back() ^= 1;
  server.add_input(bytes.data(), bytes.size());
  auto last = state::done;
  EXPECT_EQ(read_all(server, last), "");
  EXPECT_EQ(last, state::broken);
}
