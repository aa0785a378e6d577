// TlsSession: one end of TLS, with its handshake done or under way; what a TlsStream stands for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/layer_operation.hpp>
#include <ieum/tls_observer.hpp>
#include <ieum/tls_peer.hpp>

#include "tls/certificate.hpp"
#include "tls/context_state.hpp"
#include "tls/record_bio.hpp"
#include "tls/wall_clock.hpp"

namespace ieum::detail {

class TlsSession final : public Stream {
 public:
  /// What a handshake may take of bytes from the peer.
  static constexpr std::size_t handshake_bytes_max = std::size_t{128} * 1024;
  /// For the farewell of `close`.
  static constexpr std::chrono::seconds farewell_limit{1};

  /// `own` may be null: then `beneath` belongs to somebody else. Error: `not_enough_memory`.
  static Result<std::unique_ptr<TlsSession>> make_client(Stream& beneath,
                                                         std::unique_ptr<Stream> own,
                                                         std::shared_ptr<TlsClientState> context,
                                                         std::string_view name);
  static Result<std::unique_ptr<TlsSession>> make_server(
      Stream& beneath, std::unique_ptr<Stream> own, std::shared_ptr<const TlsServerState> context);
  TlsSession(Stream& beneath, std::unique_ptr<Stream> own) noexcept;
  ~TlsSession() override;

  /// Before the handshake; null: nobody.
  void observe(TlsObserver* observer) noexcept;
  [[nodiscard]] Task<> handshake();
  /// After a handshake that failed: closes what is its own.
  [[nodiscard]] Task<> leave();
  [[nodiscard]] TlsPeer peer() const;
  [[nodiscard]] std::string_view alpn() const noexcept;
  [[nodiscard]] bool update_keys() noexcept;

  [[nodiscard]] Task<> shutdown_write() override;
  [[nodiscard]] Task<> close() override;
  [[nodiscard]] Task<> reset() override;
  [[nodiscard]] bool is_open() const noexcept override { return beneath_.is_open(); }
  [[nodiscard]] Address peer_address() const noexcept override { return beneath_.peer_address(); }
  [[nodiscard]] Result<Address> local_address() const noexcept override {
    return beneath_.local_address();
  }
  [[nodiscard]] std::size_t bytes_on_way() const noexcept override;

  void begin_read(StreamIo& io, std::span<std::byte> into) override;
  void begin_write(StreamIo& io, const WriteRequest& request) override;
  void begin_receive(StreamReceiveIo& io) override;
  void begin_wait_readable(StreamIo& io) override;

  // OpenSSL's callbacks.
  static int on_verify(X509_STORE_CTX* store, void* unused) noexcept;
  static int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept;
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* authentication, int seal) noexcept;
  static int on_ticket_made(SSL* ssl, void* unused) noexcept;
  static SSL_TICKET_RETURN on_ticket_opened(SSL* ssl, SSL_SESSION* session,
                                            const unsigned char* key, std::size_t key_size,
                                            SSL_TICKET_STATUS status, void* unused) noexcept;
  static int on_certificate_wanted(SSL* ssl, void* unused) noexcept;
  static int on_staple_wanted(SSL* ssl, void* unused) noexcept;
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                     const unsigned char* offered, unsigned offered_size, void* unused) noexcept;
  static void on_message(int is_sent, int version, int kind, const void* data, std::size_t size,
                         SSL* ssl, void* observer) noexcept;
  static void on_key_log(const SSL* ssl, const char* line) noexcept;

 private:
  class Operation : public LayerOperation {
   protected:
    Operation(TlsSession& of, const char* name) noexcept : LayerOperation(name), session_(of) {}
    ~Operation() = default;
    [[nodiscard]] Address peer_address() const noexcept override { return session_.peer_address(); }
    TlsSession& session_;
  };

  class Reading final : public Operation {
   public:
    enum class What : std::uint8_t { read, receive, wait };
    static constexpr const char* name = "TLS read";
    explicit Reading(TlsSession& of) noexcept : Operation(of, name) {}
    void begin(What what, std::span<std::byte> into) noexcept {
      what_ = what;
      into_ = into;
    }

   private:
    enum class Given : std::uint8_t { data, end, nothing_yet, no_room, broken };
    enum class Beneath : std::uint8_t { nothing, ciphertext, room, alert };
    Step advance() noexcept override;
    Step gave_up(Error& error) noexcept override;
    void take_what_has_come() noexcept;
    Given decrypt() noexcept;
    Given decrypt_into(std::span<std::byte> into) noexcept;
    Given decrypt_into_lease() noexcept;
    Given what_it_means(int answer, std::size_t written_before) noexcept;

    What what_ = What::read;
    Beneath waits_for_ = Beneath::nothing;
    std::span<std::byte> into_;
    Lease room_;  // for what is lent to a reader
  };

  class Writing final : public Operation {
   public:
    static constexpr const char* name = "TLS write";
    explicit Writing(TlsSession& of) noexcept : Operation(of, name) {}
    void begin(const WriteRequest& request) noexcept {
      request_ = request;
      part_ = at_ = taken_ = 0;
    }

   private:
    Step advance() noexcept override;
    Step gave_up(Error& error) noexcept override;
    void encrypt() noexcept;
    [[nodiscard]] std::span<const ConstBuffer> parts() const noexcept;
    [[nodiscard]] bool has_more() noexcept;
    ConstBuffer next_piece(std::size_t room) noexcept;

    WriteRequest request_{};
    std::size_t part_ = 0;  // of the request, and the place in it
    std::size_t at_ = 0;
    std::size_t taken_ = 0;
  };

  /// What is wrong with the peer's chain, and what it sent.
  struct Findings {
    std::vector<tls::CertificateProblem> problems;
    std::vector<TlsCertificate> chain;
  };

  /// How a step of the handshake ended, and what OpenSSL has said of it.
  struct HandshakeStep {
    int why = SSL_ERROR_NONE;
    unsigned long last_error = 0;
    std::string_view first_reason;
  };
  HandshakeStep take_step() noexcept;
  Task<HandshakeStep> sign_elsewhere();
  static HandshakeStep what_is_said(const SSL& ssl, int answer) noexcept;

  bool set_up(tls::SslPointer ssl) noexcept;
  Result<> expect_name(std::string_view name);
  Task<> flush_handshake();
  Task<> look_for_alert(Error write_error);
  StreamWriteAll flush() noexcept;
  void say_farewell() noexcept;
  [[nodiscard]] Error failure(const char* operation, const HandshakeStep& said) const noexcept;
  [[nodiscard]] Error refused_by_peer(const char* operation, int alert) const noexcept;
  void break_with(const Error& error) noexcept;
  [[nodiscard]] bool is_broken() const noexcept { return broken_ != nullptr; }
  [[nodiscard]] bool has_said_farewell() const noexcept {
    return (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
  }
  static TlsSession& of(const SSL* ssl) noexcept {
    return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
  }
  bool verify(X509_STORE_CTX& store);
  static int note_problem(int good, X509_STORE_CTX* store) noexcept;
  void check_pins(X509_STORE_CTX& store);
  void vouch_anew(X509_STORE_CTX& store);

  std::unique_ptr<Stream> own_;
  Stream& beneath_;
  std::shared_ptr<TlsClientState> client_;  // one of the two
  std::shared_ptr<const TlsServerState> server_;
  tls::RecordBio bio_;
  tls::SslPointer ssl_;
  std::string name_;          // that the server must prove to be
  std::string session_name_;  // that its sessions are kept under
  tls::SessionCache::Time resumable_until_ = tls::wall_clock_now() + tls::SessionCache::lifetime;
  std::unique_ptr<Findings> findings_;  // null: all is well
  std::unique_ptr<Error> broken_;
  bool may_sign_ = false;            // slow as it is
  bool is_met_ = false;              // the handshake is done
  bool is_between_records_ = false;  // of what comes, certainly
  bool peer_has_finished_ = false;
  bool writer_has_alert_ = false;  // the reader has left it to a write that was pending
  bool owes_data_ = false;         // that a stopped write has told to be taken
  bool has_read_ = false;
  bool has_written_ = false;
  Reading reading_;
  Writing writing_;
};

}  // namespace ieum::detail
