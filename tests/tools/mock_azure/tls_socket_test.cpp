// TLS and WebSocket ends of the mock, driven by Beast's own clients.
#include "tests/tools/mock_azure/raw_client.hpp"
#include "tools/mock_azure/server.hpp"

#include <boost/asio/ssl.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

namespace headroom::mock {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using testing::HasSubstr;

// A self-signed certificate in a folder of its own, gone with the test.
class Certificate {
  public:
    Certificate() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mock_azure_XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3'600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3'600);
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        write(certificate_file(), [certificate](FILE* file) { PEM_write_X509(file, certificate); });
        write(key_file(),
              [key](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    ~Certificate() { std::filesystem::remove_all(folder_); }

    std::string certificate_file() const { return folder_ + "/certificate.pem"; }
    std::string key_file() const { return folder_ + "/key.pem"; }

  private:
    template <class Write>
    static void write(const std::string& name, Write write_to) {
        FILE* file = std::fopen(name.c_str(), "w");
        write_to(file);
        std::fclose(file);
    }

    std::string folder_;
};

class MockTlsThreads : public testing::Test {
  protected:
    MockTlsThreads()
        : server_(read_options({"--backend", "a,keys=k1,tpm=0,rpm=0,tls=" + certificate_.certificate_file() +
                                                 ":" + certificate_.key_file()})
                      .options),
          tls_(asio::ssl::context::tls_client) {
        server_.start();
        const std::string url = server_.endpoints().at(0).url;
        EXPECT_EQ(url.substr(0, 8), "https://");
        endpoint_ = {asio::ip::address_v4::loopback(),
                     static_cast<unsigned short>(std::stoi(url.substr(url.rfind(':') + 1)))};
    }

    std::unique_ptr<asio::ssl::stream<tcp::socket>> dial(const std::string& protocols, SSL_SESSION* session,
                                                         boost::system::error_code* error) {
        auto stream = std::make_unique<asio::ssl::stream<tcp::socket>>(context_, tls_);
        stream->next_layer().connect(endpoint_);
        const auto* bytes = reinterpret_cast<const unsigned char*>(protocols.data());
        SSL_set_alpn_protos(stream->native_handle(), bytes, static_cast<unsigned>(protocols.size()));
        if (session) SSL_set_session(stream->native_handle(), session);
        stream->handshake(asio::ssl::stream_base::client, *error);
        return stream;
    }

    json::value stats() {
        RawClient client(server_.admin_url());
        client.send("GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
        return json::parse(client.response().body()).at("backends").at("a");
    }

    Certificate certificate_;
    Server server_;
    asio::io_context context_;
    asio::ssl::context tls_;
    tcp::endpoint endpoint_;
};

TEST_F(MockTlsThreads, SpeaksHttp11AndResumesSessions) {
    boost::system::error_code error;
    const auto first = dial("\x02h2\x08http/1.1", nullptr, &error);
    ASSERT_FALSE(error) << error.message();
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(first->native_handle(), &chosen, &length);
    EXPECT_EQ(std::string(chosen, chosen + length), "http/1.1");
    asio::write(*first, asio::buffer(post("/openai/v1/chat/completions",
                                          R"({"model":"chat","messages":[{"role":"user","content":"x"}]})",
                                          "api-key: k1\r\nConnection: close\r\n")));
    std::string answer;
    asio::read(*first, asio::dynamic_buffer(answer), error);
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_EQ(error, asio::error::eof) << "close_notify came before the end";

    SSL_SESSION* session = SSL_get1_session(first->native_handle());
    const auto second = dial("\x08http/1.1", session, &error);
    SSL_SESSION_free(session);
    ASSERT_FALSE(error) << error.message();
    EXPECT_EQ(SSL_session_reused(second->native_handle()), 1);
    json::value now = stats();
    while (now.at("tls_handshakes").as_int64() < 2)
        now = stats();
    EXPECT_EQ(now.at("tls_resumed").as_int64(), 1);
}

TEST_F(MockTlsThreads, RefusesAClientThatSpeaksOnlyHttp2) {
    boost::system::error_code error;
    dial("\x02h2", nullptr, &error);
    EXPECT_TRUE(error);
    json::value now = stats();
    while (now.at("tls_failed").as_int64() < 1)
        now = stats();
}

TEST_F(MockTlsThreads, WebSocketOverTls) {
    boost::system::error_code error;
    const auto stream = dial("\x08http/1.1", nullptr, &error);
    ASSERT_FALSE(error) << error.message();
    websocket::stream<asio::ssl::stream<tcp::socket>&> socket(*stream);
    socket.handshake("mock", "/openai/realtime?api-version=2024-10-01-preview&deployment=chat&api-key=k1");
    boost::beast::flat_buffer buffer;
    socket.read(buffer);
    EXPECT_EQ(json::parse(boost::beast::buffers_to_string(buffer.data())).at("type").as_string(),
              "session.created");
}

class MockSocketThreads : public testing::Test {
  protected:
    MockSocketThreads()
        : server_(read_options({"--backend", "a,keys=k1,tpm=0,rpm=0"}).options), socket_(context_) {
        server_.start();
        const std::string url = server_.endpoints().at(0).url;
        socket_.next_layer().connect(
            {asio::ip::address_v4::loopback(),
             static_cast<unsigned short>(std::stoi(url.substr(url.rfind(':') + 1)))});
    }

    void upgrade(const std::string& target, boost::system::error_code* error) {
        socket_.set_option(websocket::stream_base::decorator(
            [](websocket::request_type& request) { request.set("api-key", "k1"); }));
        socket_.handshake("mock", target, *error);
    }

    void say(std::string_view message) { socket_.write(asio::buffer(message)); }

    json::value hear() {
        boost::beast::flat_buffer buffer;
        socket_.read(buffer);
        return json::parse(boost::beast::buffers_to_string(buffer.data()));
    }

    Server server_;
    asio::io_context context_;
    websocket::stream<tcp::socket> socket_;
};

TEST_F(MockSocketThreads, RealtimeTalksAndEchoes) {
    boost::system::error_code error;
    upgrade("/openai/v1/realtime?model=chat", &error);
    ASSERT_FALSE(error) << error.message();
    EXPECT_EQ(hear().at("type").as_string(), "session.created");
    say(R"({"type":"session.update","session":{"voice":"verse"}})");
    EXPECT_EQ(hear().at("session").at("voice").as_string(), "verse");
    say(R"({"type":"conversation.item.create","item":{"content":[{"type":"input_text","text":"[[echo]]hello"}]}})");
    EXPECT_EQ(hear().at("type").as_string(), "conversation.item.created");
    say(R"({"type":"response.create"})");
    std::string text;
    for (json::value one = hear();; one = hear()) {
        if (one.at("type").as_string() == "response.text.delta") text += one.at("delta").as_string().c_str();
        if (one.at("type").as_string() == "response.done") break;
    }
    EXPECT_EQ(text, "hello");
    say(R"({"type":"mock.echo","n":7})");
    EXPECT_EQ(hear().at("n").as_int64(), 7);
    say(R"({"type":"dance"})");
    EXPECT_EQ(hear().at("error").at("code").as_string(), "invalid_value");
    say("not json");
    EXPECT_EQ(hear().at("type").as_string(), "error");
    socket_.binary(true);
    const std::string bytes(100'000, '\x7f');
    say(bytes);
    boost::beast::flat_buffer buffer;
    socket_.read(buffer);
    EXPECT_TRUE(socket_.got_binary());
    EXPECT_EQ(boost::beast::buffers_to_string(buffer.data()), bytes);
    socket_.close(websocket::close_code::normal);
}

TEST_F(MockSocketThreads, ResponsesModeContinuesOnItsConnection) {
    boost::system::error_code error;
    upgrade("/openai/v1/responses", &error);
    ASSERT_FALSE(error) << error.message();
    say(R"({"type":"response.create","model":"chat","input":"[[echo]]first"})");
    json::value last;
    do
        last = hear();
    while (last.at("type").as_string() != "response.completed");
    const std::string id(last.at("response").at("id").as_string().c_str());
    EXPECT_EQ(last.at("response").at("output").at(0).at("content").at(0).at("text").as_string(), "first");
    say(R"({"type":"response.create","model":"chat","input":"second","previous_response_id":")" + id +
        R"("})");
    EXPECT_EQ(hear().at("response").at("previous_response_id").as_string(), id);
    do
        last = hear();
    while (last.at("type").as_string() != "response.completed");
    say(R"({"type":"response.create","model":"chat","input":"x","previous_response_id":"resp_other"})");
    EXPECT_EQ(hear().at("error").at("code").as_string(), "previous_response_not_found");
    say(R"({"type":"response.create","model":"nope","input":"x"})");
    EXPECT_EQ(hear().at("error").at("code").as_string(), "DeploymentNotFound");
}

TEST_F(MockSocketThreads, AnUnknownModelIsNoUpgrade) {
    boost::system::error_code error;
    upgrade("/openai/v1/realtime?model=nope", &error);
    EXPECT_EQ(error, websocket::error::upgrade_declined);
}

} // namespace
} // namespace headroom::mock
