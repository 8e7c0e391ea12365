/* mcptools.h - v0.1.0 - MCP servers and clients for firmware and gateways, without an allocator. MIT licence (end of file).

   Do this in ONE file of your program, and include the header plainly everywhere else:
       #define MCPTOOLS_IMPLEMENTATION
       #include "mcptools.h"

   WHAT IT DOES
   A device that includes this file answers the Model Context Protocol: tools, resources, prompts, completion,
   logging, progress, cancellation, subscriptions, elicitation, sampling, roots and tasks, in the revisions
   2025-03-26, 2025-06-18, 2025-11-25 ("legacy": handshake and sessions) and 2026-07-28 ("modern": stateless) at one
   endpoint, over HTTP/1.1 (Streamable HTTP) or over lines (stdio, UART, USB-CDC). Tables of tools are const and
   live in flash; every byte of RAM is yours and visible; nothing here allocates, blocks, recurses or has globals.
   A device or gateway can use servers of others, too (mcpt_client), and authorize itself there (mcpt_oauth).

   DOES NOT
   open sockets, do TLS, DNS, threads, files or time: that is a port (port/posix, or 20 lines of your own); follow
   $ref or run regular expressions in JSON Schemas; speak HTTP/2; decompress; keep a clock (it sends no Date field);
   make two calls of one client at once; implement the experimental tasks of 2025-11-25 (the tasks extension of 2026-07-28 it does).

   QUICK START
       static mcpt_err read_temperature(mcpt_call *call, mcpt_val args, mcpt_writer *out)
       {
           int64_t channel = mcpt_int_or(mcpt_get(args, "channel"), 0);
           (void)call;
           mcpt_structured(out);
           mcpt_kv_fix(out, "celsius", board_centi_celsius((int)channel), 2);
           mcpt_end(out);
           return MCPT_OK;
       }
       static const mcpt_tool tools[] = { MCPT_TOOL("read_temperature", "Read one probe, in degrees Celsius.",
           "{\"type\":\"object\",\"properties\":{\"channel\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3}}}",
           read_temperature, MCPT_READ_ONLY) };
   Put tools into a const mcpt_server, give each connection a mcpt_conn and three buffers (mcpt_mem), and move bytes:
       while (!(mcpt_io_want(&conn.io) & MCPT_CLOSED)) { send what mcpt_io_tx() shows; receive into mcpt_io_rx(); }
   mcpt_io_want() is the only call that runs your handlers.

   MEMORY
   rx holds one whole request (head and body), tx one whole answer of a handler (library lists and static resources
   stream through any tx), tok one row of 20 bytes for every JSON key and value of the arguments. mcpt_io_peak() says
   how much of each was ever used: run your product, read it, shrink the arrays. Objects may not be moved after init.
   Pointers are "static" (must stay for good), "borrowed" (until the time that the comment says) or "copied".

   SECURITY
   Trusted: your tables, your buffers, mcpt_env. Hostile: every byte of the wire, and requestState, session and task
   ids that come back. What holds: no byte is read or written outside the buffers; input is validated before it is
   used (JSON, UTF-8, HTTP framing, arguments against the tool's schema); headers never override the body; a Host that
   is neither local, nor an address, nor listed is refused, and so is a foreign Origin; ids are 128 random bits and
   compared in constant time; requestState is signed, expires and belongs to one request and principal. Behind a
   guard no handler runs without a valid access token; sessions and tasks belong to the principal that began them.
   Your job: TLS (port/tls), a guard in front of anything that matters, a random function that is a CSPRNG, handlers
   that check what a schema cannot say, and no secrets in form elicitation.

   CONTENTS (search for >>name; every section uses only sections above it)
   >>config      limits and switches
   >>text        views, UTF-8, base64, percent-coding, URLs, constant-time compare
   >>error       one enum, one sentence each
   >>json-write  writer with sticky error, measuring, windows
   >>json-scan   resumable RFC 8259 scanner that picks members by path
   >>json-read   random access over a jsmn index
   >>http        HTTP/1.1 heads, chunked coding
   >>sse         server-sent events, reading
   >>schema-text  walking schema text
   >>schema      JSON Schema checker over schema text
   >>schema-lint  x-mcp-header parameters, keywords that are not enforced
   >>env         clock, random, log, cryptography, store: what the world injects
   >>io          the face a port sees
   >>exchange    one bounded outbound request
   >>metadata    RFC 9728 and RFC 8414 documents, challenges, CORS, Clerk keys
   >>jwk         JSON Web Keys and sets of them
   >>jwt         access tokens and assertions as JSON Web Tokens
   >>dpop        proofs of possession, both sides
   >>rpc         JSON-RPC 2.0 messages
   >>hub         what connections share: sessions, listeners, suspended calls, deadlines
   >>reply       messages into the transmit buffer
   >>guard       access tokens, scopes, challenges, metadata routes
   >>relay       the metadata of another authorization server
   >>verify      verifiers for the guard: key sets, introspection, Clerk, DPoP
   >>pair-records  its clients, grants and forms
   >>pair-consent  registration, the authorization endpoint, the page
   >>pairing     a small authorization server for a device that has none
   >>server      tables, handlers, result verbs, questions
   >>lists       answers of the library's own, in windows
   >>ask         questions to the client, requestState
   >>run         one run of a handler
   >>dispatch    look-up, headers, calls, tasks
   >>methods     eras, validation, listening
   >>http-in     requests in, guard, sessions' streams
   >>conn        a connection; the entry for hosts that parse HTTP themselves
   >>check       development checks of tables
   >>facts       what a client's authorization knows: facts, URLs, scopes, sealed records
   >>oauth-requests  its requests: discovery, registration, grants, revocation
   >>oauth-answers   what their answers mean, and the step that follows
   >>oauth       a client's authorization, its face
   >>channel     a connection of a client
   >>client-messages  what a client says, and what it understands
   >>client      an MCP client: era, session, calls, questions, streams
*/
#ifndef MCPTOOLS_H_INCLUDED
#define MCPTOOLS_H_INCLUDED
#ifdef MCPT_CONFIG                    /* -DMCPT_CONFIG='"mcpt_config.h"': one place, seen by every file */
#include MCPT_CONFIG
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define MCPT_VERSION 0x000100         /* 0xMMmmpp; the only place the version is written */

/* >>config ------------------------------------------------------------------------------------------------
 * Switches are 0 or 1 (a bare -DMCPT_NO_X counts as 1). Every file that includes this header must see the
 * same values: put them into one file and name it by MCPT_CONFIG. Savings are for Cortex-M4 at -Os, each alone with
 * what goes with it, of a program that uses everything (make size ARGS='--switches --update' writes them). */
#ifndef MCPT_NO_SERVER
#define MCPT_NO_SERVER 0              /* 1: no server; JSON, HTTP and SSE codecs, and the client. Saves 64 KB */
#endif
#ifndef MCPT_NO_HTTP
#define MCPT_NO_HTTP 0                /* 1: line framing only (stdio, UART, USB-CDC). Saves 80 KB */
#endif
#ifndef MCPT_NO_LINES
#define MCPT_NO_LINES 0               /* 1: no line framing. Saves 0.9 KB */
#endif
#ifndef MCPT_NO_HOSTED
#define MCPT_NO_HOSTED 0              /* 1: no entry for hosts that parse HTTP themselves. Saves 0.9 KB */
#endif
#ifndef MCPT_NO_LEGACY
#define MCPT_NO_LEGACY 0              /* 1: revision 2026-07-28 only: no initialize, no sessions, no GET stream, no batches. Saves 5.2 KB */
#endif
#ifndef MCPT_NO_RESOURCES
#define MCPT_NO_RESOURCES 0           /* 1: no resources, templates, resource subscriptions. Saves 2 KB */
#endif
#ifndef MCPT_NO_PROMPTS
#define MCPT_NO_PROMPTS 0             /* 1: no prompts. Saves 0.7 KB */
#endif
#ifndef MCPT_NO_COMPLETION
#define MCPT_NO_COMPLETION 0          /* 1: no completion/complete. Saves 0.8 KB */
#endif
#ifndef MCPT_NO_LISTEN
#define MCPT_NO_LISTEN 0              /* 1: no subscriptions/listen, no list_changed, no resource updates. Saves 2.8 KB */
#endif
#ifndef MCPT_NO_ASK
#define MCPT_NO_ASK 0                 /* 1: no elicitation, sampling, roots. Saves 2.5 KB */
#endif
#ifndef MCPT_NO_TASKS
#define MCPT_NO_TASKS 0               /* 1: no extension io.modelcontextprotocol/tasks. Saves 2.7 KB */
#endif
#ifndef MCPT_NO_SCHEMA
#define MCPT_NO_SCHEMA 0              /* 1: arguments are not checked against inputSchema; handlers must. Saves 3.4 KB */
#endif
#ifndef MCPT_NO_MCP_PARAM
#define MCPT_NO_MCP_PARAM 0           /* 1: no Mcp-Param-* fields: no tool has an x-mcp-header. Saves 0.5 KB, in the smallest server 2.1 KB */
#endif
#ifndef MCPT_NO_FLOAT
#define MCPT_NO_FLOAT 0               /* 1: no double conversions; integers and decimals (mcpt_put_fix) stay. Saves 1.7 KB */
#endif
#ifndef MCPT_NO_EXCHANGE
#define MCPT_NO_EXCHANGE 0            /* 1: no outbound requests. Goes with MCPT_NO_HTTP */
#endif
#if MCPT_NO_HTTP && !MCPT_NO_EXCHANGE
#undef MCPT_NO_EXCHANGE
#define MCPT_NO_EXCHANGE 1
#endif
#ifndef MCPT_NO_METADATA
#define MCPT_NO_METADATA 0            /* 1: no OAuth metadata documents and challenges. Goes with MCPT_NO_HTTP */
#endif
#if MCPT_NO_HTTP && !MCPT_NO_METADATA
#undef MCPT_NO_METADATA
#define MCPT_NO_METADATA 1
#endif
#ifndef MCPT_NO_JWT
#define MCPT_NO_JWT 0                 /* 1: no JSON Web Tokens, DPoP, assertions. With key sets 8 KB, unused nothing */
#endif
#ifndef MCPT_NO_GUARD
#define MCPT_NO_GUARD 0               /* 1: no access tokens, metadata routes, preflights. Goes with MCPT_NO_METADATA */
#endif
#if MCPT_NO_METADATA && !MCPT_NO_GUARD
#undef MCPT_NO_GUARD
#define MCPT_NO_GUARD 1
#endif
#ifndef MCPT_NO_VERIFY
#define MCPT_NO_VERIFY 0              /* 1: no ready-made verifiers; unused they take nothing. Goes with MCPT_NO_JWT, MCPT_NO_GUARD, MCPT_NO_EXCHANGE */
#endif
#if (MCPT_NO_SERVER || MCPT_NO_JWT || MCPT_NO_GUARD || MCPT_NO_EXCHANGE) && !MCPT_NO_VERIFY
#undef MCPT_NO_VERIFY
#define MCPT_NO_VERIFY 1
#endif
#ifndef MCPT_NO_PAIRING
#define MCPT_NO_PAIRING 0             /* 1: no authorization server. Goes with MCPT_NO_GUARD */
#endif
#if (MCPT_NO_SERVER || MCPT_NO_GUARD) && !MCPT_NO_PAIRING
#undef MCPT_NO_PAIRING
#define MCPT_NO_PAIRING 1
#endif
#ifndef MCPT_NO_STRERROR
#define MCPT_NO_STRERROR 0            /* 1: mcpt_strerror() and mcpt_reason() answer "". Saves 4.2 KB */
#endif
#ifndef MCPT_NO_CLIENT
#define MCPT_NO_CLIENT 0              /* 1: no MCP client. Goes with MCPT_NO_HTTP */
#endif
#ifndef MCPT_NO_OAUTH
#define MCPT_NO_OAUTH 0               /* 1: no client authorization. Goes with MCPT_NO_METADATA, which reads its challenges */
#endif
#if MCPT_NO_HTTP && !MCPT_NO_CLIENT
#undef MCPT_NO_CLIENT
#define MCPT_NO_CLIENT 1
#endif
#if MCPT_NO_METADATA && !MCPT_NO_OAUTH
#undef MCPT_NO_OAUTH
#define MCPT_NO_OAUTH 1
#endif
#ifndef MCPT_MAX_DEPTH
#define MCPT_MAX_DEPTH 32             /* JSON nesting, 4..32 */
#endif
#ifndef MCPT_SCRATCH
#define MCPT_SCRATCH 16               /* bytes a handler keeps from one run to the next, a multiple of 8 */
#endif
#ifndef MCPT_MAX_ID
#define MCPT_MAX_ID 64                /* longest raw JSON-RPC id or progress token, bytes with quotes */
#endif
#ifndef MCPT_MAX_RSA
#define MCPT_MAX_RSA 512              /* bytes of an RSA modulus, in every key slot: 256 takes keys of 2048 bits, 64 none (P-256 only) */
#endif
#ifndef MCPT_MAX_FIELDS
#define MCPT_MAX_FIELDS 64            /* header fields of one HTTP message; more answer 431 */
#endif
#ifndef MCPT_MAX_PRINCIPAL
#define MCPT_MAX_PRINCIPAL 256        /* bytes of the text of a remembered principal: subject, client, scopes, issuer, key */
#endif
#ifndef MCPT_MAX_URL
#define MCPT_MAX_URL 256              /* bytes of the URL of the endpoint */
#endif
#ifndef MCPT_API
#define MCPT_API extern               /* or static, or a DLL attribute */
#endif
#ifndef MCPT_JSMN_H
#define MCPT_JSMN_H <jsmn.h>          /* the external package; only the implementation half includes it */
#endif
#if defined(__GNUC__)
#define MCPT_NODISCARD __attribute__((warn_unused_result))
#else
#define MCPT_NODISCARD
#endif
#define MCPT_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#ifdef __cplusplus
extern "C" {
#endif

/* >>text --------------------------------------------------------------------------------------------------
 * Two kinds of text: what YOU write in tables is a NUL-terminated literal; what the WIRE wrote is a view,
 * never terminated, valid as long as the comment at its source says. */
typedef struct mcpt_str {
    const char *ptr;                  /* NULL: absent */
    size_t len;                       /* bytes */
} mcpt_str;

MCPT_API mcpt_str mcpt_z(const char *z);                    /* view of a literal; NULL gives the absent view */
MCPT_API bool mcpt_str_is(mcpt_str s, const char *z);       /* same bytes as the literal; absent is never equal */
MCPT_API bool mcpt_str_eq(mcpt_str a, mcpt_str b);          /* same bytes; absent: never equal; not for secrets */
MCPT_API bool mcpt_str_ieq(mcpt_str s, const char *z);      /* same, ASCII letters without regard to case */
/* Constant-time: the time depends on len only. For secrets. */
MCPT_API bool mcpt_same(const void *a, const void *b, size_t len);
MCPT_API void mcpt_wipe(void *p, size_t len);               /* overwrites with zeros; not optimised away */
/* True when s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
MCPT_API bool mcpt_utf8_ok(mcpt_str s);
/* Base64 (RFC 4648). url false: section 4, padded. url true: section 5, no padding.
 * Encode answers the bytes written, or needed when buf is NULL; 0 when cap is too small (and len is not 0).
 * Decode is strict (alphabet, padding, zero trailing bits) and answers false for anything else or when the
 * decoded bytes exceed cap. buf may be the input's own memory for decode. */
MCPT_API size_t mcpt_b64_encode(const void *data, size_t len, bool url, char *buf, size_t cap);
MCPT_API bool mcpt_b64_decode(mcpt_str text, bool url, void *buf, size_t cap, size_t *len);
/* Percent-decoding (RFC 3986 section 2.1) into buf, which may be the text's own memory; false on a broken
 * escape, on %00 and when cap is too small. */
MCPT_API bool mcpt_percent_decode(mcpt_str text, char *buf, size_t cap, size_t *len);
/* Splits scheme://authority/path?query (RFC 3986 section 3): no userinfo, no fragment, no control character,
 * a valid host and port. A host is made of letters, digits, '-', '_' and '.' (one dot may end it), or is four
 * decimal octets, or [IPv6]; a port is 1..65535. Nothing is folded or decoded. Views borrow from text. False:
 * not such a URL. */
typedef struct mcpt_url {
    mcpt_str scheme, host, path, query;     /* host with its brackets; path may be empty, query absent */
    uint16_t port;                                          /* 0: none given */
} mcpt_url;
MCPT_API bool mcpt_url_split(mcpt_str text, mcpt_url *url);
/* Splits "host[:port]" the same way (an HTTP Host field, RFC 9110 section 7.2). */
MCPT_API bool mcpt_authority_split(mcpt_str text, mcpt_str *host, uint16_t *port);

/* >>error -------------------------------------------------------------------------------------------------
 * 0 is done, positive is not finished, negative has failed. Banded by layer; your own are -1000 and below. */
#define MCPT_ERRORS(X) \
    X(OK, 0, "ok") \
    X(PENDING, 1, "not finished, call again") \
    X(MORE, 2, "more follows") \
    X(E_ARG, -1, "a parameter is wrong") \
    X(E_STATE, -2, "not possible in this state") \
    X(E_SPACE, -3, "a buffer is too small") \
    X(E_LIMIT, -4, "a limit is reached") \
    X(E_ABSENT, -5, "no such member or record") \
    X(E_ABI, -6, "compiled with different settings") \
    X(E_RANDOM, -7, "no secure random source") \
    X(E_TIMEOUT, -8, "the deadline passed") \
    X(E_CLOSED, -9, "the peer has gone") \
    X(E_IO, -10, "the transport failed") \
    X(E_CRYPTO, -11, "no cryptography, or it failed") \
    X(E_TLS, -12, "TLS failed") \
    X(E_CERTIFICATE, -13, "the peer's certificate is not accepted") \
    X(E_CLOCK, -14, "the clock is not set") \
    X(E_JSON, -20, "not JSON (RFC 8259)") \
    X(E_UTF8, -21, "not UTF-8") \
    X(E_DEPTH, -22, "nested deeper than MCPT_MAX_DEPTH") \
    X(E_TYPE, -23, "the value has another type") \
    X(E_RANGE, -24, "the number is out of range") \
    X(E_DUPLICATE, -25, "the object has this member twice") \
    X(E_TOKENS, -26, "more JSON values than tokens") \
    X(E_HTTP, -40, "not HTTP/1.1 (RFC 9112)") \
    X(E_STATUS, -41, "the answer's HTTP status is an error") \
    X(E_RPC, -60, "not JSON-RPC 2.0") \
    X(E_VERSION, -61, "no protocol version in common") \
    X(E_CAPABILITY, -62, "the client lacks the capability") \
    X(E_PARAMS, -63, "invalid params") \
    X(E_NOT_FOUND, -64, "no such tool, prompt, resource or task") \
    X(E_CANCELLED, -65, "the request was cancelled") \
    X(E_DECLINED, -66, "the user declined") \
    X(E_UNAUTHORIZED, -80, "no valid access token") \
    X(E_SCOPE, -81, "the token lacks a scope") \
    X(E_PROOF, -82, "the DPoP proof is not valid") \
    X(E_NONCE, -83, "the DPoP proof needs a (newer) nonce") \
    X(E_ISSUER, -84, "not an authorization server that may be used") \
    X(E_RESOURCE, -85, "the metadata is not this server's") \
    X(E_CLIENT, -86, "no client identity: set client_id, or register") \
    X(E_GRANT, -87, "the authorization server lacks what MCP asks for") \
    X(E_OAUTH, -88, "the authorization server refused") \
    X(E_STORE, -100, "the store failed") \
    X(E_FULL, -101, "the store is full") \
    X(E_DAMAGED, -102, "the record is damaged") \
    X(E_CONFLICT, -103, "the record is not the expected one") \
    X(E_FORMAT, -104, "the store has a newer format") \
    X(E_USER, -1000, "application error")

typedef enum mcpt_err {
#define MCPT_X(name, value, text) MCPT_##name = value,
    MCPT_ERRORS(MCPT_X)
#undef MCPT_X
    MCPT_ERR_MAX_ = 0x7fffffff        /* fixes the size under -fshort-enums */
} mcpt_err;
MCPT_API const char *mcpt_strerror(mcpt_err e);             /* static; never NULL; "" with MCPT_NO_STRERROR */

/* >>json-write --------------------------------------------------------------------------------------------
 * Errors stick: write everything, check once at the end. Commas, colons, quotes and escapes are the writer's.
 * With buf NULL nothing is stored and total tells the size needed; past cap total keeps counting too. */
typedef struct mcpt_writer {
    char *buf;                        /* borrowed until done */
    size_t cap, len;                  /* bytes: room, held */
    size_t total;                     /* bytes needed so far, whether they fitted or not */
    size_t skip;                      /* private: bytes of the beginning that were delivered before */
    uint8_t depth, flags;             /* private */
    uint32_t kind, comma;             /* private: a bit a level: array or object; a value came before */
    mcpt_err err;                     /* the first error; E_SPACE gives way to any other */
    void *user;                       /* private: the call this writer answers */
} mcpt_writer;
/* private: overflow is no error; a key was written; between mcpt_str_begin and mcpt_str_end */
enum { MCPT_W_WINDOW = 1, MCPT_W_KEY = 2, MCPT_W_STRING = 4 };

MCPT_API void mcpt_w_init(mcpt_writer *w, void *buf, size_t cap);  /* buf borrowed until done; NULL: measure */
MCPT_API void mcpt_obj(mcpt_writer *w);                     /* opens { */
MCPT_API void mcpt_arr(mcpt_writer *w);                     /* opens [ */
MCPT_API void mcpt_end(mcpt_writer *w);                     /* closes whichever is open; none: E_STATE */
MCPT_API void mcpt_key(mcpt_writer *w, const char *key);    /* literal, escaped like any string */
MCPT_API void mcpt_key_str(mcpt_writer *w, mcpt_str key);
MCPT_API void mcpt_put_str(mcpt_writer *w, mcpt_str s);     /* escaped; E_UTF8 when s is not UTF-8; absent: null */
MCPT_API void mcpt_put_z(mcpt_writer *w, const char *z);    /* NULL: null */
MCPT_API void mcpt_put_int(mcpt_writer *w, int64_t v);
MCPT_API void mcpt_put_fix(mcpt_writer *w, int64_t v, unsigned decimals);  /* 2137, 2 -> 21.37; decimals <= 18 */
#if !MCPT_NO_FLOAT
MCPT_API void mcpt_put_f64(mcpt_writer *w, double v);       /* shortest text that reads back equal; NaN, Inf: E_RANGE */
#endif
MCPT_API void mcpt_put_bool(mcpt_writer *w, bool v);
MCPT_API void mcpt_put_null(mcpt_writer *w);
MCPT_API void mcpt_put_raw(mcpt_writer *w, mcpt_str json);  /* one value that is JSON already: flash, or checked input;
                                                               line ends between its tokens are left out */
MCPT_API void mcpt_put_b64(mcpt_writer *w, const void *data, size_t len);  /* string of padded base64 */
MCPT_API void mcpt_kv_str(mcpt_writer *w, const char *key, mcpt_str s);
MCPT_API void mcpt_kv_z(mcpt_writer *w, const char *key, const char *z);   /* NULL: the member is left out */
MCPT_API void mcpt_kv_int(mcpt_writer *w, const char *key, int64_t v);
MCPT_API void mcpt_kv_fix(mcpt_writer *w, const char *key, int64_t v, unsigned decimals);
MCPT_API void mcpt_kv_bool(mcpt_writer *w, const char *key, bool v);
MCPT_API void mcpt_kv_raw(mcpt_writer *w, const char *key, mcpt_str json);
/* One string written in parts: begin, then escaped text as often as wanted, then end. */
MCPT_API void mcpt_str_begin(mcpt_writer *w);
MCPT_API void mcpt_str_add(mcpt_writer *w, mcpt_str part);  /* each part whole UTF-8 characters */
MCPT_API void mcpt_str_end(mcpt_writer *w);
/* Ends the document: OK and, when out is not NULL, the text (borrowed from buf). E_SPACE: w->total bytes are
 * needed; E_STATE: something is still open or nothing was written; else the first error. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_w_done(mcpt_writer *w, mcpt_str *out);

/* >>json-scan ---------------------------------------------------------------------------------------------
 * A push scanner for RFC 8259 text: bytes arrive in any pieces, are validated strictly (grammar, UTF-8, depth,
 * nothing after the value) and members of interest are picked by path. A picked member that comes twice in one
 * object is E_DUPLICATE, at the quote that ends its second key; a lone surrogate escape is E_UTF8, as no UTF-8 text
 * can hold it. Memory is this object and the spans; the text itself need not be kept. */
typedef struct mcpt_pick {            /* made by MCPT_PICK */
    const char *key;                  /* static; the member's name, unescaped, at most 47 bytes */
    uint16_t tag;                     /* 256 * row of the object that holds it + length of key */
} mcpt_pick;                          /* row 0 is the document itself, MCPT_PICK("", 0); at most 32 rows; children of */
#define MCPT_PICK(key, parent) { (key), (uint16_t)((parent) * 256u + sizeof(key) - 1u) }  /* one parent adjoin, parents ascend */
typedef struct mcpt_span {
    uint32_t at, len;                 /* offset of the raw value from the first byte fed, length; len 0: absent */
} mcpt_span;
typedef struct mcpt_scan {
    const mcpt_pick *picks;           /* static; row 0 is a placeholder for the root value */
    mcpt_span *found;                 /* caller's, npicks rows; found[i] is set when row i's value has ended */
    uint32_t at;                      /* bytes consumed; on error the offset of the offending byte */
    uint8_t npicks, depth, state, sub, node, first, tracked, wanted, row, keylen;  /* private */
    uint32_t kind;                    /* private: a bit a level, array or object */
    uint32_t seen;                    /* private: picked rows seen */
    uint32_t u;                       /* private: escape and UTF-8 accumulator */
    mcpt_err err;                     /* sticky */
    char key[48];                     /* private: the key being read */
} mcpt_scan;
MCPT_API void mcpt_scan_init(mcpt_scan *s, const mcpt_pick *picks, size_t npicks, mcpt_span *found);
/* Takes all len bytes. PENDING: the value may go on; OK: it is complete (only white space may follow);
 * negative: E_JSON, E_UTF8, E_DEPTH, E_DUPLICATE, E_LIMIT (4 GiB), sticky, position in s->at. */
MCPT_API mcpt_err mcpt_scan_feed(mcpt_scan *s, const char *text, size_t len);
/* The text has ended: OK, or E_JSON when the value is not complete (a number at the root ends here). */
MCPT_API mcpt_err mcpt_scan_end(mcpt_scan *s);
/* Keeps the raw values of picked members while a document goes by that need not fit into memory. Rows that have rows
 * below them, and row 0, are not kept. */
typedef struct mcpt_keep {
    mcpt_scan scan;                   /* scan.found[i] of a kept row: its place in buf; len 0: absent */
    char *buf;                        /* caller's */
    uint32_t cap, len;                /* bytes: room, used */
    uint32_t optional;                /* bit i: a value of row i that finds no room is dropped instead of E_SPACE; yours */
    uint32_t dropped;                 /* bit i: that happened */
    uint32_t due, done, start;        /* private: rows to keep, rows kept; where the value being read begins in buf */
    uint8_t open;                     /* private: the row being read */
} mcpt_keep;
/* picks static; found and buf borrowed until done. */
MCPT_API void mcpt_keep_init(mcpt_keep *k, const mcpt_pick *picks, size_t npicks, mcpt_span *found, void *buf, size_t cap);
MCPT_API mcpt_err mcpt_keep_feed(mcpt_keep *k, const char *text, size_t len);  /* as mcpt_scan_feed; also E_SPACE */
MCPT_API mcpt_err mcpt_keep_end(mcpt_keep *k);              /* as mcpt_scan_end */
MCPT_API mcpt_str mcpt_kept(const mcpt_keep *k, unsigned row);             /* the raw value, borrowed from buf; or absent */

/* >>json-read ---------------------------------------------------------------------------------------------
 * Random access: the text is checked by the scanner, then indexed by jsmn into storage you own. */
typedef struct mcpt_tok { int opaque[5]; } mcpt_tok;        /* 20 bytes a value or key; do not look inside */
typedef struct mcpt_doc {
    mcpt_str text;                    /* borrowed as long as values of it are used */
    mcpt_tok *tok;
    uint32_t count;                   /* tokens in use */
    uint32_t err_pos;                 /* byte offset of an error */
} mcpt_doc;
typedef struct mcpt_val {             /* a value inside a document, or absent; absent propagates through getters */
    const mcpt_doc *doc;
    uint32_t at;
} mcpt_val;
typedef enum mcpt_type {
    MCPT_ABSENT, MCPT_NULL, MCPT_BOOL, MCPT_NUMBER, MCPT_STRING, MCPT_ARRAY, MCPT_OBJECT
} mcpt_type;
/* E_JSON E_UTF8 E_DEPTH E_DUPLICATE (any object, byte position in err_pos), E_TOKENS (d->count tells how many
 * tokens the text needs). tok NULL and ntok 0 counts only and answers E_TOKENS. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_parse(mcpt_doc *d, mcpt_str text, mcpt_tok *tok, size_t ntok);
MCPT_API mcpt_val mcpt_root(const mcpt_doc *d);
MCPT_API mcpt_type mcpt_typeof(mcpt_val v);
MCPT_API size_t mcpt_size(mcpt_val container);              /* members or elements; 0 for anything else */
MCPT_API mcpt_val mcpt_get(mcpt_val object, const char *key);
MCPT_API mcpt_val mcpt_get_key(mcpt_val object, mcpt_str key);  /* key unescaped */
MCPT_API mcpt_val mcpt_at(mcpt_val array, size_t index);
/* Walks a container: start with *it absent (all zero); answers false at the end. key (raw, without its quotes,
 * absent in arrays) may be NULL. */
MCPT_API bool mcpt_next(mcpt_val container, mcpt_val *it, mcpt_str *key);
/* E_ABSENT, E_TYPE (not a number, or one with a fraction: 1.0 and 1e2 are integers), E_RANGE. */
MCPT_API mcpt_err mcpt_get_int(mcpt_val v, int64_t *out);
/* value = out / 10^decimals, exactly: 21.5 with 2 decimals is 2150. E_ABSENT, E_TYPE, E_RANGE (also for more digits). */
MCPT_API mcpt_err mcpt_get_fix(mcpt_val v, unsigned decimals, int64_t *out);
#if !MCPT_NO_FLOAT
MCPT_API mcpt_err mcpt_get_f64(mcpt_val v, double *out);    /* E_ABSENT, E_TYPE, E_RANGE; equal to strtod otherwise */
#endif
/* The string unescaped: a view of the document when it has no escapes, else a copy in buf (E_SPACE when cap is
 * too small). E_ABSENT, E_TYPE. */
MCPT_API mcpt_err mcpt_get_str(mcpt_val v, char *buf, size_t cap, mcpt_str *out);
MCPT_API mcpt_err mcpt_get_bool(mcpt_val v, bool *out);     /* E_ABSENT, E_TYPE */
MCPT_API int64_t mcpt_int_or(mcpt_val v, int64_t fallback);
MCPT_API bool mcpt_bool_or(mcpt_val v, bool fallback);
MCPT_API bool mcpt_val_is(mcpt_val v, const char *z);       /* a string that unescapes to the literal */
MCPT_API mcpt_str mcpt_raw(mcpt_val v);                     /* the JSON text of the value, borrowed from the document */
/* Unescapes a raw JSON string (with its quotes, already checked) into buf; answers the length, or
 * (size_t)-1 when cap is too small. buf may be the text's own memory. */
MCPT_API size_t mcpt_unescape(mcpt_str raw, char *buf, size_t cap);

/* >>http --------------------------------------------------------------------------------------------------
 * HTTP/1.1 message heads (RFC 9112, strict: CRLF only, no obs-fold, no space before the colon) and the chunked
 * coding, request and response side. The parser works in the caller's buffer and copies nothing. */
#define MCPT_FIELDS(X)                /* sorted by length: the look-up stops early */ \
    X(HOST, "host") X(DPOP, "dpop") X(ORIGIN, "origin") X(ACCEPT, "accept") X(EXPECT, "expect") \
    X(MCP_NAME, "mcp-name") X(LOCATION, "location") X(CONNECTION, "connection") X(MCP_METHOD, "mcp-method") \
    X(DPOP_NONCE, "dpop-nonce") X(RETRY_AFTER, "retry-after") X(CONTENT_TYPE, "content-type") \
    X(AUTHORIZATION, "authorization") X(LAST_EVENT_ID, "last-event-id") X(CACHE_CONTROL, "cache-control") \
    X(CONTENT_LENGTH, "content-length") X(MCP_SESSION_ID, "mcp-session-id") \
    X(CONTENT_ENCODING, "content-encoding") X(WWW_AUTHENTICATE, "www-authenticate") \
    X(TRANSFER_ENCODING, "transfer-encoding") X(MCP_PROTOCOL_VERSION, "mcp-protocol-version")
typedef enum mcpt_field {
#define MCPT_X(name, text) MCPT_F_##name,
    MCPT_FIELDS(MCPT_X)
#undef MCPT_X
    MCPT_F_COUNT
} mcpt_field;
enum { MCPT_HEAD_CHUNKED = 1, MCPT_HEAD_CLOSE = 2, MCPT_HEAD_LENGTH = 4, MCPT_HEAD_CONTINUE = 8, MCPT_HEAD_PARAMS = 16 };
typedef struct mcpt_head {
    mcpt_span field[MCPT_F_COUNT];    /* values without surrounding white space; seen tells presence */
    mcpt_span method, target;         /* requests; target: path and query, or "*" */
    mcpt_span authority;              /* of an absolute-form target, to be used instead of Host; len 0: none */
    uint32_t seen, twice;             /* bit MCPT_F_x: field present; present more than once (field has the first) */
    uint32_t at;                      /* bytes consumed; when complete, the length of the head */
    uint32_t scan;                    /* private: bytes already searched for a line end */
    uint32_t first;                   /* private: where the fields start */
    uint64_t length;                  /* Content-Length when MCPT_HEAD_LENGTH */
    uint16_t status;                  /* response: its status; request: what to answer after an error */
    uint8_t minor;                    /* HTTP/1.minor: 0 or 1 */
    uint8_t flags;                    /* MCPT_HEAD_x; CLOSE: no keep-alive; PARAMS: an Mcp-Param-* field is there */
    uint8_t fields;                   /* header fields so far */
    bool line;                        /* the request line is complete: a full buffer is 431, without it 414 */
    uint8_t state, bits;              /* private */
} mcpt_head;
/* Parses what has arrived of a head that starts at buf[0]; call again with the same bytes and more (buf may have
 * moved). PENDING: more are needed. OK: complete, h->at is its length. E_HTTP, sticky: malformed. For a request
 * h->status says what to answer: 400, 417 (Expect), 431 (fields), 501 (transfer coding), 505 (HTTP version);
 * a response has status 0 then. Checked: one valid Host (HTTP/1.1), at most one of Content-Length and
 * Transfer-Encoding, no second Host, Content-Length, Content-Type, Transfer-Encoding, Authorization, Origin,
 * Expect, Last-Event-ID or Mcp-*. Left to the caller: the authority, Content-Encoding, repeats in h->twice. */
MCPT_API void mcpt_head_init(mcpt_head *h, bool response);
MCPT_API mcpt_err mcpt_head_parse(mcpt_head *h, const char *buf, size_t len);
/* The next field of a complete head, any name: *it starts at 0. Views borrow from buf. */
MCPT_API bool mcpt_head_next(const mcpt_head *h, const char *buf, uint32_t *it, mcpt_str *name, mcpt_str *value);
MCPT_API mcpt_str mcpt_head_get(const mcpt_head *h, const char *buf, mcpt_field f);  /* absent when not there */
/* Does a comma-separated field value (Connection, Cache-Control) name this token, without regard to case?
 * Parameters after ';' are skipped; q=0 counts as not named. */
MCPT_API bool mcpt_list_has(mcpt_str value, const char *token);
/* Does Accept admit a media type ("text/event-stream", in lower case)? The most specific element decides: the type
 * itself, its range, the range of all; q=0 excludes. Absent: false, ask h->seen. The second looks at every Accept field
 * of a complete head. */
MCPT_API bool mcpt_accepts(mcpt_str accept, const char *media);
MCPT_API bool mcpt_head_accepts(const mcpt_head *h, const char *buf, const char *media);

typedef struct mcpt_chunked {         /* decoder of the chunked coding (RFC 9112 section 7.1); zero it to start */
    uint32_t left;                    /* data bytes of the current chunk still to come */
    uint16_t line;                    /* private: bytes of the current size or trailer line */
    uint8_t state, count;             /* private: where in the grammar; digits of the size, then trailers */
} mcpt_chunked;
/* Decodes in place: of buf[0..*len) the first answers data bytes are moved to the front and *len becomes their
 * number; *used tells how many input bytes were taken. OK: the last chunk and its trailers are complete (bytes
 * behind *used belong to the next message); PENDING: all was taken, more must come; E_HTTP, sticky: malformed.
 * Limits: sizes below 4 GiB, 256 bytes a size or trailer line, 16 trailers (checked, then dropped). */
MCPT_API mcpt_err mcpt_chunked_decode(mcpt_chunked *c, char *buf, size_t *len, size_t *used);
MCPT_API const char *mcpt_reason(unsigned status);          /* static; "" for a status this library never sends, and
                                                               with MCPT_NO_STRERROR (RFC 9112 section 4: optional) */

/* >>sse ---------------------------------------------------------------------------------------------------
 * Server-sent events (WHATWG HTML, section 9.2), the reading side. Bytes arrive in any pieces; the data of one
 * event is collected in buf, lines joined by \n. Events of other types than message are skipped. */
typedef struct mcpt_sse {
    char *buf;                        /* caller's */
    size_t cap, len;                  /* data of the event being read */
    char *id;                         /* caller's, last event id, survives events; NULL: ids are not kept */
    size_t id_cap, id_len;            /* room for two: the last one and that of the event being read */
    uint32_t retry;                   /* milliseconds; (uint32_t)-1: never given */
    uint32_t number;                  /* private: retry value being read */
    mcpt_err err;                     /* sticky: E_SPACE when an event's data or id outgrows its memory */
    uint8_t state, field, pos, flags; /* private */
    bool pieces;                      /* yours, after init: data that outgrows buf comes in pieces, see below */
    size_t id_new, id_line;           /* private: length of the id of the event, and of the line, being read */
} mcpt_sse;
MCPT_API void mcpt_sse_init(mcpt_sse *s, void *buf, size_t cap, char *id, size_t id_cap);
/* Takes bytes until an event is complete or the input is used up; *used tells how many were taken. OK: an event
 * of type message with data is in s->buf[0..len), valid until the next call; PENDING: all was taken. id and
 * retry take effect without data too; an event the stream ends in the middle of never counts. With pieces MORE: buf[0..len)
 * is a piece of the data of an event that goes on (valid until the next call, too; it counts when the event ends in OK). */
MCPT_API mcpt_err mcpt_sse_feed(mcpt_sse *s, const char *text, size_t len, size_t *used);

/* >>schema ------------------------------------------------------------------------------------------------
 * A small JSON Schema checker (dialect 2020-12) that reads the schema text where it lies, in flash. Enforced:
 * type (a name or an array of names), required, enum, const, minimum, maximum, exclusiveMinimum,
 * exclusiveMaximum, multipleOf (up to 8 digits), minLength, maxLength (in code points), minItems, maxItems,
 * minProperties, maxProperties, properties, additionalProperties (boolean or schema), items (schema),
 * oneOf/anyOf whose branches are all const (titled enumerations). Everything else is not enforced:
 * mcpt_schema_lint() names it. No regular expressions, no $ref. */
#if !MCPT_NO_SCHEMA
/* OK, or E_PARAMS with a sentence in why ("arguments.channel: must be at most 3"; cut at cap, NUL-terminated;
 * values of the caller are not quoted), E_DEPTH (more than 12 schemas inside each other), E_JSON (schema text). */
MCPT_API mcpt_err mcpt_schema_check(mcpt_str schema, mcpt_val value, char *why, size_t cap);
#endif
/* Calls note for every keyword of schema that is not enforced, and every invalid x-mcp-header (2026-07-28,
 * server/tools: name, type, place, uniqueness); views borrowed for the call. OK when there was none, E_PARAMS
 * when something was named, E_JSON, E_DEPTH. For development and tests. */
MCPT_API mcpt_err mcpt_schema_lint(mcpt_str schema, void (*note)(void *user, mcpt_str keyword, const char *why), void *user);
/* Calls each for every property with an x-mcp-header annotation (reached by properties only) that is present
 * and not null in arguments; stops at the first answer that is not OK and returns it. */
typedef mcpt_err (*mcpt_schema_header_fn)(void *user, mcpt_str header, mcpt_val value);
MCPT_API mcpt_err mcpt_schema_headers(mcpt_str schema, mcpt_val arguments, mcpt_schema_header_fn each, void *user);

/* >>env ---------------------------------------------------------------------------------------------------
 * Everything the outside world provides. NULL members: what needs them answers an error, never a weaker way. */
typedef struct mcpt_rsa {             /* a public RSA key, big-endian, no leading zero byte; borrowed for the call */
    const uint8_t *n, *e;             /* modulus, odd, 2048 to 4096 bits; exponent, odd, 3 or more */
    size_t n_len, e_len;              /* bytes: 256..512, 1..4 */
} mcpt_rsa;
MCPT_API bool mcpt_rsa_ok(const mcpt_rsa *key);             /* is it within these limits? Not that n is hard to factor */
/* Cryptography: port/crypto_mbedtls, port/crypto_bearssl, or a secure element of yours. A member may be NULL: what
 * needs it is refused (E_CRYPTO, or it is not offered), never done in a weaker way. A function answers false when it
 * failed or refuses its input, and what it wrote is then of no use. Nothing is kept after the call. Numbers are
 * big-endian and of fixed size, hash is the SHA-256 of what is signed, buffers do not overlap unless it says so.
 * Signatures are the slowest calls of all: 10 to 300 ms on a Cortex-M4 (feed the watchdog before).
 * An ES256 private key is a reference of up to MCPT_KEY_REF bytes that only the port understands: the 32-byte scalar in
 * software, a slot number or handle where a secure element keeps the key. Treat it as a secret. */
#define MCPT_KEY_REF 32
typedef struct mcpt_crypto {
    bool (*sha256)(void *user, const mcpt_str *parts, size_t n, uint8_t out[32]);   /* of the parts in a row */
    bool (*hmac_sha256)(void *user, const void *key, size_t key_len, const mcpt_str *parts, size_t n, uint8_t out[32]);
    /* RSASSA-PKCS1-v1_5 and RSASSA-PSS (salt of 32 bytes, MGF1) with SHA-256: RFC 7518 sections 3.3 and 3.5. False
     * too for a key outside the limits of mcpt_rsa and for sig_len other than n_len. */
    bool (*rs256_verify)(void *user, const mcpt_rsa *key, const uint8_t hash[32], const void *sig, size_t sig_len);
    bool (*ps256_verify)(void *user, const mcpt_rsa *key, const uint8_t hash[32], const void *sig, size_t sig_len);
    /* ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4): xy is the public point x||y, sig is r||s. False too for a
     * point that is not on the curve, for r or s of 0 or not below the order. */
    bool (*es256_verify)(void *user, const uint8_t xy[64], const uint8_t hash[32], const uint8_t sig[64]);
    bool (*es256_sign)(void *user, const void *key, size_t key_len, const uint8_t hash[32], uint8_t sig[64]);
    bool (*es256_public)(void *user, const void *key, size_t key_len, uint8_t xy[64]);  /* the point of a private key */
    bool (*es256_generate)(void *user, uint8_t key[MCPT_KEY_REF], size_t *key_len);  /* a new private key; its length */
    /* Authenticated encryption, ChaCha20-Poly1305 (RFC 8439) unless the port says otherwise; a nonce is used once for
     * a key. seal writes len + 16 bytes, the tag last; open takes len bytes (16 or more) and writes len - 16, zeros
     * when the tag is wrong. out may be the input's own memory; aad may be absent. */
    bool (*aead_seal)(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *plain,
                      size_t len, uint8_t *out);
    bool (*aead_open)(void *user, const uint8_t key[32], const uint8_t nonce[12], mcpt_str aad, const void *sealed,
                      size_t len, uint8_t *out);
    void *user;
} mcpt_crypto;
typedef enum mcpt_level {             /* RFC 5424 order, as in notifications/message */
    MCPT_DEBUG, MCPT_INFO, MCPT_NOTICE, MCPT_WARNING, MCPT_ERROR, MCPT_CRITICAL, MCPT_ALERT, MCPT_EMERGENCY
} mcpt_level;
typedef struct mcpt_env {
    uint32_t (*millis)(void *user);                         /* monotonic, wraps; required */
    int64_t (*unix_time)(void *user);                       /* seconds; < 0: clock not set; NULL: never set */
    bool (*random)(void *user, void *buf, size_t len);      /* a CSPRNG; sessions, tasks, requestState need it */
    void (*log)(void *user, mcpt_level level, mcpt_err what, const char *text);  /* text static, never a secret */
    const mcpt_crypto *crypto;                              /* requestState needs it */
    void *user;
} mcpt_env;

/* -- The store: small records that must outlive a restart. Synchronous: a call takes as long as the medium (its port
 * says how long). A key is 1 to 15 of A-Z a-z 0-9 _ - (ESP-IDF NVS takes these), NUL-terminated; a value is any bytes,
 * 0 or more; both are borrowed for the call. write, swap and erase are atomic against power loss: the old record or the
 * new one, nothing between. Where they fail nothing has changed, except E_STORE: then it is the old or the new one,
 * read it to know. Old bytes may stay on the medium: seal what is secret. Errors of all: E_ARG a bad key or prefix, or
 * ptr NULL given to write; E_STORE the medium, or the connection to it, failed. A port may take longer keys on request. */
#define MCPT_STORE_KEY 15             /* characters of a key, without the NUL */
typedef struct mcpt_store {
    /* *len: bytes of the record, also with E_SPACE (cap is smaller; buf NULL with cap 0 measures), else 0; buf then holds
     * nothing of use. E_ABSENT: no such record. E_DAMAGED: it was there and cannot be read; write or erase ends that. */
    mcpt_err (*read)(void *user, const char *key, void *buf, size_t cap, size_t *len);
    /* Creates or replaces. E_FULL: no room now, erase something. E_LIMIT: longer than this store can ever hold. */
    mcpt_err (*write)(void *user, const char *key, mcpt_str value);
    mcpt_err (*erase)(void *user, const char *key);         /* OK also when there was none; works in a full store */
    /* Every key that begins with prefix ("": all) to each(), once, in any order, damaged records too; each() answers false
     * to stop. It may read, write, erase and swap, not list; of what it adds or erases list may or may not know. */
    mcpt_err (*list)(void *user, const char *prefix, bool (*each)(void *each_user, const char *key), void *each_user);
    /* Atomic among all that share the store: when the record is old, makes it value. ptr NULL: there is none (old: create
     * only; value: erase). E_CONFLICT: it is another; else like write and read. NULL: this store cannot. */
    mcpt_err (*swap)(void *user, const char *key, mcpt_str old, mcpt_str value);
    void *user;
} mcpt_store;
/* For makers of stores: 1 to max characters that a key may have. */
MCPT_API bool mcpt_store_key_ok(const char *key, size_t max);
/* store's swap; where it has none, read, compare and write, which is the same as long as nobody else writes. buf (borrowed
 * for the call, wiped) must hold old.len bytes then: E_SPACE. Other errors: those of swap. */
MCPT_API mcpt_err mcpt_store_swap(const mcpt_store *store, const char *key, mcpt_str old, mcpt_str value, void *buf, size_t cap);

/* >>io ----------------------------------------------------------------------------------------------------
 * The sans-I/O face that server connections (and clients) show; ports know only this. One object belongs to one
 * thread at a time. mcpt_io_want() runs the machine and is the only call here that runs your handlers. */
enum {
    MCPT_WANT_RX = 1,                 /* bytes are welcome */
    MCPT_WANT_TX = 2,                 /* bytes must be sent; nothing else goes on before */
    MCPT_CLOSED = 4,                  /* over: close the transport (after sending; linger for unread input) */
    MCPT_WANT_CONNECT = 8             /* a client's channel: open a transport (anew) to mcpt_channel_origin(), then */
                                      /* mcpt_channel_connected(), or mcpt_io_eof() when that failed; nothing is sent before */
};
typedef struct mcpt_io {              /* private; read it through the functions. A filter (port/tls) is one before another */
    unsigned (*run)(struct mcpt_io *io);
    uint8_t want, eof;
    volatile uint8_t wake;
    uint8_t state, mode, framing;     /* of what stands behind it */
    char *rx, *tx;
    uint32_t rx_cap, rx_len, tx_cap, tx_at, tx_len;
    uint32_t peak_rx, peak_tx, peak_tok;
    mcpt_err err;
} mcpt_io;
MCPT_API unsigned mcpt_io_want(mcpt_io *io);                /* MCPT_WANT_RX | MCPT_WANT_TX, or MCPT_CLOSED */
MCPT_API char *mcpt_io_rx(mcpt_io *io, size_t *cap);        /* put received bytes here; NULL: not now */
MCPT_API void mcpt_io_rx_ack(mcpt_io *io, size_t n);        /* n bytes were put there */
MCPT_API const char *mcpt_io_tx(mcpt_io *io, size_t *len);  /* send these; NULL: nothing to send */
MCPT_API void mcpt_io_tx_ack(mcpt_io *io, size_t n);        /* n of them were sent */
MCPT_API void mcpt_io_eof(mcpt_io *io);                     /* the peer closed, or the transport failed */
typedef struct mcpt_peak { uint32_t rx, tx, tok; } mcpt_peak;
MCPT_API mcpt_peak mcpt_io_peak(const mcpt_io *io);         /* high-water marks since init: size your buffers by them */

/* >>exchange ----------------------------------------------------------------------------------------------
 * One outbound HTTP request at a time, bounded in size and time, for key sets, metadata and the like. It shows an mcpt_io
 * that a port connects (port/posix does; with TLS a filter of port/tls stands between):
 *     origin = mcpt_exchange_origin(x);      not NULL: connect to it, then mcpt_exchange_connected(x), or _fail(x, E_IO)
 *     pump &x->io until MCPT_CLOSED, close;  call _fail(x, E_TIMEOUT) when mcpt_exchange_due(x) has passed
 * The body goes to a function piece by piece, so that documents larger than memory can be read. Redirects are not followed,
 * connections not kept. URLs are https, with a plain host (RFC 3986; no userinfo, no fragment); http only to loopback
 * and only where that is allowed. */
typedef struct mcpt_origin {          /* where to connect; NUL-terminated host, an IPv6 literal without brackets */
    char host[256];
    uint16_t port;
    bool tls;
} mcpt_origin;
#if !MCPT_NO_HTTP
typedef struct mcpt_link {            /* private: a request and its answer on a connection, of exchanges and of a client's channels */
    uint8_t state, flags;
    uint32_t used;
    char *tx;
    mcpt_str body;                    /* of the request: sent behind tx; of the answer: a piece of it */
    uint64_t left;
    mcpt_chunked chunked;
    mcpt_head head;
    mcpt_origin origin;
} mcpt_link;
#endif
#if !MCPT_NO_EXCHANGE
struct mcpt_exchange;
typedef struct mcpt_fetch {           /* a request; all borrowed until done is called */
    const char *method;               /* NULL: "GET" */
    mcpt_str url;
    mcpt_str authorization;           /* value of the field, visible ASCII and blanks; a secret; absent: none */
    mcpt_str fields;                  /* further header lines, each with its CR LF; absent: none */
    const char *content_type;         /* NULL: there is no body */
    mcpt_str body;                    /* any size */
    uint32_t limit;                   /* bytes of the answer's body, after chunked is undone; more is E_LIMIT; 0: 65536 */
    bool trusted;                     /* the URL is configuration: it may lead into private networks */
    /* The answer. head: OK: go on with the body; an error: done with that. piece: negative: done with that. done: once, for
     * every request that was started: OK, what head or piece answered, E_TIMEOUT, E_LIMIT, E_HTTP (also a coding that was
     * not asked for), E_CLOSED (ended too early), E_CANCELLED, what the port said. Then another may be started, also in it. */
    mcpt_err (*head)(void *user, const struct mcpt_exchange *x, unsigned status);
    mcpt_err (*piece)(void *user, const char *text, size_t len);
    void (*done)(void *user, mcpt_err e);
    void *user;
} mcpt_fetch;
typedef struct mcpt_exchange {        /* private but for io and number; do not copy or move after init */
    mcpt_io io;                       /* first */
    uint32_t number;                  /* of the request: another one with each start */
    uint32_t timeout_ms, deadline, got;
    bool loopback;
    const mcpt_env *env;
    mcpt_fetch fetch;
    mcpt_link link;
} mcpt_exchange;
#define MCPT_EXCHANGE_MIN 512         /* bytes of rx and of tx at least: the head of an answer, of a request */
/* env static, memory borrowed as long as the object is used. timeout_ms for the whole of a request, 0: 10000. loopback:
 * http to localhost, 127.0.0.0/8 and ::1 is allowed. E_ARG. */
MCPT_API mcpt_err mcpt_exchange_init(mcpt_exchange *x, const mcpt_env *env, void *rx, size_t rx_size, void *tx, size_t tx_size,
                                     uint32_t timeout_ms, bool loopback);
/* OK: begun, done will be called. E_STATE: one is in work. E_ARG: the URL is not allowed, authorization is malformed.
 * E_SPACE: the head is larger than tx. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_exchange_start(mcpt_exchange *x, const mcpt_fetch *fetch);
MCPT_API bool mcpt_exchange_busy(const mcpt_exchange *x);
MCPT_API void mcpt_exchange_stop(mcpt_exchange *x);         /* done(E_CANCELLED), when one is in work */
/* In head: a field of the answer, borrowed for the call; seconds of Retry-After (0: none, at most a day), of Cache-Control:
 * max-age (-1: it does not say; 0 also for no-store and no-cache). */
MCPT_API mcpt_str mcpt_exchange_field(const mcpt_exchange *x, mcpt_field f);
MCPT_API uint32_t mcpt_exchange_retry_after(const mcpt_exchange *x);
MCPT_API int32_t mcpt_exchange_max_age(const mcpt_exchange *x);
/* For ports. */
MCPT_API const mcpt_origin *mcpt_exchange_origin(const mcpt_exchange *x);  /* NULL: nothing is to be connected now */
/* May it connect to this address (4 or 16 bytes, network order) of its host? Ask for every one, so that a name which leads
 * a request of foreign origin into the local network is refused: unless the fetch is trusted only public addresses are
 * allowed (RFC 6890), for loopback names only loopback ones. */
MCPT_API bool mcpt_exchange_address_ok(const mcpt_exchange *x, const void *address, size_t len);
/* Is it an address of the public internet (RFC 6890; an IPv4 one in IPv6 counts as what it is)? address: len bytes, 4 or 16, in
 * network order, borrowed for the call; another len: false. */
MCPT_API bool mcpt_address_public(const void *address, size_t len);
MCPT_API void mcpt_exchange_connected(mcpt_exchange *x);
MCPT_API void mcpt_exchange_fail(mcpt_exchange *x, mcpt_err e);
MCPT_API uint32_t mcpt_exchange_due(const mcpt_exchange *x);    /* milliseconds left; (uint32_t)-1: nothing is in work */
#endif

/* >>rpc ---------------------------------------------------------------------------------------------------
 * Words of the protocol that servers and clients share. */
typedef enum mcpt_revision {          /* protocol revisions; "legacy": with handshake and sessions */
    MCPT_2025_03_26 = 1, MCPT_2025_06_18, MCPT_2025_11_25, MCPT_2026_07_28
} mcpt_revision;
enum {                                /* capabilities a client declares */
    MCPT_CAN_FORM = 1, MCPT_CAN_URL = 2, MCPT_CAN_SAMPLE = 4, MCPT_CAN_SAMPLE_TOOLS = 8, MCPT_CAN_SAMPLE_CONTEXT = 16,
    MCPT_CAN_ROOTS = 32, MCPT_CAN_TASKS = 64
};

/* >>metadata ----------------------------------------------------------------------------------------------
 * The documents and header fields by which OAuth clients find their way: protected resource metadata (RFC 9728),
 * authorization server metadata (RFC 8414), challenges (RFC 9110 section 11, RFC 6750 section 3, RFC 9728 section
 * 5.1), CORS. Text is borrowed for the call. In a document a setting that is NULL takes its default, or is left out
 * when none is named; MCPT_OMIT leaves it out; other text overrides. Lists are words with a space between them. */
#if !MCPT_NO_METADATA
#define MCPT_OMIT "\1"
typedef struct mcpt_prop {            /* a free member of a document: takes the place of the member called key, or is added */
    const char *key;                  /* at the end; several of one key: the last one counts */
    const char *json;                 /* its value, JSON text that you vouch for; NULL or MCPT_OMIT: there is no such member */
} mcpt_prop;
typedef struct mcpt_prm {             /* members of RFC 9728 section 2, under their names and in their order */
    const char *resource;             /* URL of the MCP endpoint; required (a guard knows it by itself) */
    const char *authorization_servers;    /* issuer URLs; MCP asks for at least one. NULL: from publishable_key */
    const char *jwks_uri;             /* keys of this resource, not of the authorization server */
    const char *scopes_supported;
    const char *bearer_methods_supported; /* NULL: "header", the only method there is in MCP */
    const char *resource_signing_alg_values_supported, *resource_name, *resource_documentation, *resource_policy_uri,
        *resource_tos_uri;
    const char *tls_client_certificate_bound_access_tokens;    /* "true" */
    const char *authorization_details_types_supported, *dpop_signing_alg_values_supported;
    const char *dpop_bound_access_tokens_required;             /* "true" */
    const char *signed_metadata;
    const mcpt_prop *props;
    size_t nprops;                    /* at most 32 */
    const char *publishable_key;      /* Clerk: pk_test_... or pk_live_... names the authorization server */
    bool seed;                        /* byte for byte what @clerk/mcp-tools 0.6 generates (with publishable_key: for Clerk)
                                         for resource and the first authorization server; the rest only by props */
} mcpt_prm;
typedef struct mcpt_as_meta {         /* members of RFC 8414 section 2 and of later RFCs, in this order */
    const char *issuer;               /* required; endpoints are absolute URLs, paths on its host ("/x"), or stand below it ("x") */
    const char *authorization_endpoint, *token_endpoint;       /* NULL: "authorize", "token" */
    const char *registration_endpoint, *userinfo_endpoint;     /* NULL: "register", "userinfo" */
    const char *jwks_uri;             /* NULL: ".well-known/jwks.json" */
    const char *revocation_endpoint, *introspection_endpoint, *device_authorization_endpoint,
        *pushed_authorization_request_endpoint;
    const char *scopes_supported;
    const char *response_types_supported, *response_modes_supported;    /* NULL: "code", "query" */
    const char *grant_types_supported;    /* NULL: "authorization_code refresh_token" */
    const char *subject_types_supported, *id_token_signing_alg_values_supported;
    const char *token_endpoint_auth_methods_supported;         /* NULL: "none client_secret_basic client_secret_post" */
    const char *claims_supported;
    const char *code_challenge_methods_supported;              /* NULL: "S256"; clients refuse a server without it */
    const char *authorization_response_iss_parameter_supported, *client_id_metadata_document_supported;   /* "true" */
    const char *dpop_signing_alg_values_supported, *service_documentation;
    const mcpt_prop *props;
    size_t nprops;                    /* at most 32 */
} mcpt_as_meta;
/* Write the document as a value. Into the writer: E_ARG (a required member is missing, publishable_key is none),
 * E_LIMIT (more than 32 props). */
MCPT_API void mcpt_put_prm(mcpt_writer *w, const mcpt_prm *d);
MCPT_API void mcpt_put_as_meta(mcpt_writer *w, const mcpt_as_meta *d);
/* Clerk: "https://" and the host that a publishable key names, NUL-terminated in buf (MCPT_CLERK_ISSUER bytes always
 * suffice); issuer, when not NULL, is its view. E_ARG: not a key (pk_test_ or pk_live_, base64 or base64url of a host
 * name and one $ behind it). E_SPACE. */
#define MCPT_CLERK_ISSUER 262
MCPT_API mcpt_err mcpt_clerk_issuer(const char *publishable_key, char *buf, size_t cap, mcpt_str *issuer);
/* Where the document called name ("oauth-protected-resource", ...) of a resource or issuer stands: /.well-known/name
 * is inserted between its host and its path, whose last / goes (RFC 9728 section 3.1, RFC 8414 section 3.1). Answers
 * the bytes written to buf (not terminated), or needed when buf is NULL; 0: cap is too small, or not such a URL. */
MCPT_API size_t mcpt_well_known_url(mcpt_str url, const char *name, char *buf, size_t cap);

typedef struct mcpt_challenge {       /* one challenge of a WWW-Authenticate field; absent: not in it */
    mcpt_str scheme, token68;         /* token68 is only read */
    mcpt_str realm, error, error_description, resource_metadata, scope, algs;
} mcpt_challenge;
/* Writes it, values as quoted strings (a byte that none can hold becomes a space). Answers the bytes written, or
 * needed when buf is NULL; 0: cap is too small. */
MCPT_API size_t mcpt_challenge_write(const mcpt_challenge *c, char *buf, size_t cap);
/* Takes the first challenge off *field, the value of one field; call it until E_ABSENT, for each field. Views borrow
 * from the value, or from buf where a value has escapes. E_HTTP: this challenge is malformed or names a parameter
 * twice with two values (skipped; go on). E_SPACE: buf is too small for its values (skipped too). Lenient where real
 * servers need it: values without quotes, commas too many, parameters without a scheme (scheme is absent then). */
MCPT_API mcpt_err mcpt_challenge_next(mcpt_str *field, mcpt_challenge *c, char *buf, size_t cap);

/* CORS as header lines (Fetch standard): of @clerk/mcp-tools ("corsHeaders", byte for byte), of metadata documents, of
 * the answer to a preflight of the MCP endpoint, of its other answers. The last two go with Access-Control-Allow-Origin. */
#define MCPT_CORS_HEADERS "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, OPTIONS\r\n" \
    "Access-Control-Allow-Headers: *\r\nAccess-Control-Max-Age: 86400\r\n"
#define MCPT_CORS_METADATA "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n" \
    "Access-Control-Allow-Headers: *, MCP-Protocol-Version\r\nAccess-Control-Max-Age: 86400\r\n"
#define MCPT_CORS_PREFLIGHT "Access-Control-Allow-Methods: POST, GET, DELETE, OPTIONS\r\n" \
    "Access-Control-Allow-Headers: Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, " \
    "Mcp-Name, Last-Event-ID, DPoP\r\nAccess-Control-Max-Age: 86400\r\n"
#define MCPT_CORS_EXPOSE "Access-Control-Expose-Headers: WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce\r\nVary: Origin\r\n"
#endif

/* >>jwt ---------------------------------------------------------------------------------------------------
 * JSON Web Tokens in compact form, with the advice of RFC 8725: keys (RFC 7517, RFC 7638), judging access tokens (RFC
 * 9068) and DPoP proofs (RFC 9449), writing assertions (RFC 7523) and proofs. A token chooses neither its algorithm (the
 * key's must match, none and HS256 do not exist here) nor its key: kid is only looked up, jku, x5u, x5c and jwk are not
 * read, crit, b64, zip and enc are refused. Members that count may come once only. Text is borrowed for the call. */
#if !MCPT_NO_JWT
enum { MCPT_RS256 = 1, MCPT_PS256 = 2, MCPT_ES256 = 4 };    /* algorithms (RFC 7518 section 3.1) */

typedef struct mcpt_jwk {             /* a public key; read it, do not write it, but a slot starts as zeros */
    uint16_t n_len;                   /* RSA: bytes of the modulus */
    uint8_t e_len, e[4];              /* RSA: exponent */
    uint8_t algs;                     /* MCPT_RS256 ...: what it may verify; 0: there is no key in this slot */
    uint8_t flags;                    /* private */
    uint8_t kid[16];                  /* the first half of the SHA-256 of its kid */
    uint8_t n[MCPT_MAX_RSA];          /* RSA: modulus; P-256: x and y */
} mcpt_jwk;
/* Reads one JWK. OK; E_ABSENT: a key, but of no use here: not RSA of 2048 bits to MCPT_MAX_RSA bytes or EC P-256, use,
 * key_ops or alg for something else, a private key, a kid of more than 128 bytes; E_JSON, E_UTF8, E_DEPTH, E_DUPLICATE;
 * E_SPACE: buf is too small (1024 bytes hold RSA-4096, 640 RSA-2048, 320 P-256); E_CRYPTO: no SHA-256. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwk_parse(mcpt_jwk *key, mcpt_str json, const mcpt_crypto *c, void *buf, size_t cap);
/* Its thumbprint (RFC 7638) in base64url, not terminated. E_ABSENT: the slot is empty; E_CRYPTO. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwk_thumbprint(const mcpt_jwk *key, const mcpt_crypto *c, char out[43]);

/* A JWK Set that is read as it arrives and takes the place of the one before when it is complete. Zero it, set the first
 * five members, call begin, feed for every piece, end. While it is read, and when it turns out to be broken, the old keys
 * stay, but for one whose slot the key that is wanted has taken, when all were full. Keys of no use are passed over. */
typedef struct mcpt_jwks {
    mcpt_jwk *keys;                   /* caller's slots, zeroed; a set with more keys than slots: see left_out */
    size_t nkeys;
    char *buf;                        /* caller's; holds one key of the set, sizes as for mcpt_jwk_parse */
    size_t cap;
    const mcpt_crypto *crypto;        /* static */
    uint8_t want[16];                 /* the kid that was missing: such a key gets a slot before others */
    bool wanted;                      /* there is one */
    bool reading;                     /* private: inside a key of the set */
    uint16_t left_out;                /* keys of the last set that found no slot, at most 65535 */
    mcpt_scan set;                    /* private, and all below */
    mcpt_keep one;
    mcpt_span set_found[2], one_found[12];
} mcpt_jwks;
MCPT_API void mcpt_jwks_begin(mcpt_jwks *s);
/* PENDING or OK; E_JSON, E_UTF8, E_DEPTH, E_DUPLICATE (sticky). */
MCPT_API mcpt_err mcpt_jwks_feed(mcpt_jwks *s, const char *text, size_t len);
/* The set has ended, or (whole false) it broke off. OK: it is in use; keys that are not in it are gone. E_JSON and the
 * errors of feed, E_ABSENT (no member keys), E_CLOSED (whole false): the old keys stay. */
MCPT_API mcpt_err mcpt_jwks_end(mcpt_jwks *s, bool whole);

typedef struct mcpt_claims {          /* views into the buffer that was given, valid until it is used again; or absent */
    mcpt_str issuer, subject, client_id, scopes, jti;      /* scopes: words with a space between them */
    mcpt_str jkt;                     /* cnf.jkt: thumbprint of the key the token is bound to */
    int64_t expires, issued;          /* Unix seconds; issued 0: not said */
    const char *why;                  /* after E_UNAUTHORIZED: what is wrong, static, for your log; with MCPT_NO_STRERROR "" */
} mcpt_claims;
enum { MCPT_TYP_JWT = 1, MCPT_TYP_NONE = 2 };
typedef struct mcpt_jwt_rules {       /* static. NULL or 0: the default */
    const char *issuer;               /* iss, compared byte by byte; required */
    const char *audiences;            /* words; aud must name one of these or the endpoint */
    const char *clients;              /* words; client_id (or azp, cid, appid) must be one of these; NULL: any client */
    const char *scope_member;         /* where scopes are: a string or an array; NULL: scope, else scp */
    uint8_t algs;                     /* MCPT_RS256 | ...; 0: all that the cryptography offers */
    uint8_t typ;                      /* typ accepted beside at+jwt: MCPT_TYP_JWT "JWT" (Auth0, Entra, Keycloak), MCPT_TYP_NONE (Okta) */
    bool no_aud;                      /* aud may be missing (Clerk): any client of the issuer can then use its tokens here, unless
                                         clients says which */
    uint16_t leeway;                  /* seconds that clocks may differ, at most 300; 0: 60 */
} mcpt_jwt_rules;
typedef struct mcpt_aud {             /* who we are */
    mcpt_str url;                     /* of the endpoint; one / more or less at its end does not count */
    bool (*ours)(const void *user, mcpt_str aud);           /* have we other names than url and rules->audiences? NULL: no */
    const void *user;
} mcpt_aud;
/* Judges an access token: form, header, key, signature, iss, aud, exp, nbf, iat, client, sub, cnf, in this order. buf is borrowed as long as claims are used
 * and must hold the largest part decoded, three quarters of the token at most. OK; E_UNAUTHORIZED: not valid, see why;
 * E_ABSENT: signed with a key that is not in keys (want is set: fetch the set again, or refuse); E_SPACE: buf is too
 * small; E_CLOCK: valid so far, but now < 0 (the clock is not set) leaves exp unknown; E_CRYPTO. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwt_check(mcpt_str token, const mcpt_jwt_rules *rules, mcpt_jwks *keys, const mcpt_aud *aud,
                                                int64_t now, void *buf, size_t cap, mcpt_claims *claims);

typedef struct mcpt_seen { uint32_t id[2], until; } mcpt_seen;      /* private; zero it */
typedef struct mcpt_dpop {            /* judges DPoP proofs; zero it, then set what is not private */
    const mcpt_env *env;              /* static; unix_time, crypto with sha256 and es256_verify */
    const uint8_t *nonce_key;         /* static, 32 secret bytes: proofs must carry a nonce of the last two nonce_s (hmac_sha256);
                                         processes with the same key know each other's. NULL: no nonces */
    mcpt_seen *seen;                  /* caller's: the proofs of the last window; as many as come in that time, or E_LIMIT */
    size_t nseen;
    char *buf;                        /* caller's, 512 bytes or more; a longer header or body of a proof is refused */
    size_t cap;
    uint16_t window;                  /* seconds iat may differ from now; 0: 300 */
    uint16_t nonce_s;                 /* life of a nonce in seconds; 0: 60 */
    const char *why;                  /* after E_PROOF: as in mcpt_claims */
} mcpt_dpop;
/* RFC 9449 section 4.3: one proof for one request with this method, URL (query and fragment do not count), access token
 * and thumbprint of the token's key. ES256 only. OK: it counts as used now. E_PROOF: see why; E_NONCE: a (newer) nonce is
 * wanted; E_CLOCK; E_LIMIT: seen is full, so nobody can say whether it was used; E_CRYPTO. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_dpop_check(mcpt_dpop *d, mcpt_str proof, mcpt_str method, mcpt_str url, mcpt_str token,
                                                 mcpt_str jkt);
/* The nonce that proofs shall have now, base64url; answers its length, 0: none (no nonce_key, clock not set, cap < 22). */
MCPT_API size_t mcpt_dpop_nonce(void *dpop, char *buf, size_t cap);

typedef struct mcpt_signer {          /* an ES256 key that signs; wipe it when done */
    const mcpt_crypto *crypto;        /* static; es256_sign, es256_public, sha256 */
    uint8_t ref[MCPT_KEY_REF], ref_len;    /* what mcpt_crypto knows the key by */
    uint8_t xy[64];                   /* its public half */
} mcpt_signer;
MCPT_API MCPT_NODISCARD mcpt_err mcpt_signer_init(mcpt_signer *s, const mcpt_crypto *c, const void *ref, size_t len);  /* E_CRYPTO */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_signer_thumbprint(const mcpt_signer *s, char out[43]);   /* dpop_jkt; E_CRYPTO */
/* Writes a signed token into buf, not terminated; *out borrows from it. The first from the JSON text of its two parts. An
 * assertion (private_key_jwt: iss and sub are client, aud the issuer of the server, 5 minutes, kid may be NULL). A proof
 * (token and nonce may be absent; url without query). E_SPACE (512 to 800 bytes are usual), E_RANDOM, E_CLOCK, E_CRYPTO. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwt_sign(const mcpt_signer *s, mcpt_str header, mcpt_str claims, char *buf, size_t cap, mcpt_str *out);
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwt_assertion(const mcpt_signer *s, const mcpt_env *env, const char *kid, mcpt_str client,
                                                    mcpt_str audience, char *buf, size_t cap, mcpt_str *out);
MCPT_API MCPT_NODISCARD mcpt_err mcpt_jwt_proof(const mcpt_signer *s, const mcpt_env *env, mcpt_str method, mcpt_str url,
                                                mcpt_str token, mcpt_str nonce, char *buf, size_t cap, mcpt_str *out);
#endif

/* >>guard -------------------------------------------------------------------------------------------------
 * Who may call: access tokens (RFC 6750, RFC 9449), protected resource metadata (RFC 9728), challenges, CORS. Put a
 * guard into mcpt_server.guard and memory for verdicts into the hub: then every HTTP request needs a token, is refused with
 * the right status and WWW-Authenticate, and handlers see the principal; the scopes of table rows are enforced, sessions
 * and tasks belong to the principal that began them, and the metadata documents are served. A verdict is remembered by
 * the token's SHA-256. Lines need none of this: who holds the line is the user. */
#if !MCPT_NO_SERVER
typedef struct mcpt_principal {       /* who is calling; borrowed for the call */
    mcpt_str subject, client_id;
    mcpt_str scopes;                  /* words with a space between them */
    int64_t expires;                  /* Unix seconds, 0: unknown */
    void *user;
    mcpt_str issuer;
    mcpt_str jkt;                     /* thumbprint (RFC 7638, base64url) of the key the token is bound to; absent: Bearer */
} mcpt_principal;
struct mcpt_server;
struct mcpt_hub;
struct mcpt_conn;
struct mcpt_job;

typedef struct mcpt_token {           /* an access token that wants a verdict; borrowed for the call */
    mcpt_str text;                    /* the token: visible ASCII, never empty */
    mcpt_str proof;                   /* scheme DPoP: its DPoP field; absent: scheme Bearer */
    mcpt_str method;                  /* of the request, the proof's htm */
    mcpt_str resource;                /* URL of this endpoint, the proof's htu; an audience only if mcpt_token_for says so */
    const struct mcpt_server *server;
    struct mcpt_hub *hub;
} mcpt_token;
typedef struct mcpt_guard {           /* static; NULL or 0: the default */
    /* The verdict. OK: *who is filled in (it was all zero); its text is copied before the next call. PENDING: the
     * network is asked; called again after mcpt_guard_wake() and each second, for 10 seconds, then 503. E_UNAUTHORIZED: the token is
     * not valid (401, remembered for 5 seconds). E_SCOPE: 403. Any other error: no verdict can be given now (503). */
    mcpt_err (*verify)(void *user, const mcpt_token *token, mcpt_principal *who);
    void *user;
    /* RFC 9449: judges the proof of this very request, once the token is known to be who's and bound to who->jkt. OK;
     * E_PROOF; E_NONCE: a proof with the current nonce is wanted; other errors: 503. NULL: DPoP is not offered. */
    mcpt_err (*prove)(void *user, const mcpt_token *token, const mcpt_principal *who);
    size_t (*nonce)(void *user, char *buf, size_t cap);        /* the nonce proofs shall have now; 0: none. NULL: none */
    void *prove_user;                 /* of prove and nonce */
    bool dpop_only;                   /* Bearer is not offered, and refused */
    const char *scopes;               /* every request needs these; the 401 names them */
    /* Does a principal with other scopes than this one have its rights all the same? NULL: no. */
    bool (*implied)(void *user, const mcpt_principal *who, mcpt_str scope);
    const struct mcpt_prm *prm;       /* resource NULL: mcpt_identity.base_url and the path. NULL: no document */
    const struct mcpt_as_meta *as_meta;    /* at /.well-known/oauth-authorization-server, for clients of 2025-03-26; NULL: none */
    /* Instead of as_meta: the document as JSON text, borrowed until version changes, such as mcpt_relay_document. OK; PENDING:
     * asked again after mcpt_guard_wake(); an error: 503. */
    mcpt_err (*document)(void *document_user, mcpt_str *json, uint32_t *version);
    void *document_user;
    struct mcpt_pairing *pairing;     /* the authorization server is this device (>>pairing): it makes prm and as_meta too */
    uint32_t remember_ms;             /* how long a verdict holds at most; 0: 60000; it never outlives the token */
} mcpt_guard;
typedef struct mcpt_verdict {         /* private: the verdict on a token, with a copy of its principal */
    uint8_t hash[32], owner[16];
    uint32_t until, used;
    mcpt_principal who;
    uint8_t state;
    bool busy;
    char text[MCPT_MAX_PRINCIPAL];
} mcpt_verdict;
#if !MCPT_NO_GUARD
/* Is audience the URL of this endpoint, mcpt_prm.resource or under any of its base URLs (byte for byte)? For verifiers. Where
 * neither is configured nothing is: a name out of Host would be the caller's choice. */
MCPT_API bool mcpt_token_for(const mcpt_token *token, mcpt_str audience);
/* Lets every request that waits for a verdict ask again. Allowed from an interrupt or another thread. */
MCPT_API void mcpt_guard_wake(struct mcpt_hub *hub);
/* Forgets the verdict on a token, or (absent) all of them, because something was revoked. Calls in work go on; event
 * streams of that principal end within 15 seconds. */
MCPT_API void mcpt_guard_forget(struct mcpt_hub *hub, mcpt_str token);
/* A verify with a table of tokens as user, for development and tests. Compares SHA-256 in constant time; E_CRYPTO. */
typedef struct mcpt_fixed_token {     /* static text */
    const char *token, *subject, *client_id, *scopes;
    int64_t expires;                  /* Unix seconds, 0: never */
} mcpt_fixed_token;
typedef struct mcpt_fixed_tokens { const mcpt_fixed_token *rows; size_t n; } mcpt_fixed_tokens;
MCPT_API mcpt_err mcpt_fixed_verify(void *table, const mcpt_token *token, mcpt_principal *who);
#if !MCPT_NO_EXCHANGE
/* Fetches the metadata of another authorization server (RFC 8414), Clerk's say, and serves it as it is, for clients of
 * 2025-03-26 that look for it here: mcpt_guard.document = mcpt_relay_document, document_user = the relay. It is fetched
 * when it is first asked for, checked (JSON, its issuer is that one, authorization_endpoint and token_endpoint are URLs
 * like it), kept as long as it says (5 minutes to a day; 1 hour when it does not say); when it cannot be fetched again
 * the old one serves for a day. After a failure it is tried again in 10 seconds, or when the server says. */
typedef struct mcpt_relay {           /* private; do not copy or move after init */
    mcpt_exchange *exchange;
    struct mcpt_hub *hub;
    char *buf;
    uint32_t cap, len, at;            /* room, the document, the one that is arriving behind it */
    uint32_t fetched, ttl_ms, retry_at, retry_ms, version;
    bool fetching, failed;
    int32_t age;
    uint32_t retry;
    mcpt_scan scan;
    mcpt_span found[4];
    char issuer[MCPT_MAX_URL + 1], url[MCPT_MAX_URL + 64];
} mcpt_relay;
/* issuer: its URL, or a publishable key of Clerk; copied. exchange: for this relay alone; hub: the server's; buf: twice the
 * document (Clerk: 2 times 1.3 KB); borrowed. E_ARG: issuer is none, or longer than MCPT_MAX_URL. */
MCPT_API mcpt_err mcpt_relay_init(mcpt_relay *r, mcpt_exchange *exchange, struct mcpt_hub *hub, const char *issuer, void *buf, size_t cap);
MCPT_API mcpt_err mcpt_relay_document(void *relay, mcpt_str *json, uint32_t *version);
#endif
#endif
#endif

/* >>verify ------------------------------------------------------------------------------------------------
 * Ready-made verify functions for a guard: JSON Web Tokens with fixed keys or a key set by URL, introspection (RFC 7662),
 * Clerk (both kinds), and the judge of DPoP proofs. Those that ask the network answer PENDING and wake the guard; what they
 * answered is remembered there. Why a token was refused goes to env->log. Zero an object, set the members above "private",
 * put it into mcpt_guard.user; do not copy or move it. Several may share an exchange, each request has its turn. */
#if !MCPT_NO_VERIFY
typedef struct mcpt_jwt_verifier {
    const mcpt_env *env;              /* static */
    const mcpt_jwt_rules *rules;      /* static */
    mcpt_jwks keys;                   /* its keys, nkeys, crypto; with a URL its buf and cap too. Fixed keys: mcpt_jwk_parse() */
    const char *jwks_url;             /* static, https (the server's metadata names it: jwks_uri); NULL: the keys are fixed */
    mcpt_exchange *exchange;          /* with a URL */
    bool (*revoked)(void *user, const mcpt_claims *claims);    /* your deny list, by jti or sub; NULL: none */
    void *user;                       /* of revoked */
    char *buf;                        /* caller's: one token, see mcpt_jwt_check */
    size_t cap;
    uint32_t apart_ms;                /* between fetches because of a kid that is not there; 0: 60000 */
    struct mcpt_hub *hub;             /* private, and all below */
    uint32_t tried, loaded, fresh_ms;
    mcpt_err last;
    bool busy, any, ever;
} mcpt_jwt_verifier;
/* Keys are fetched when the first token comes, again when Cache-Control: max-age is over (5 minutes to a day; 10 minutes
 * when it does not say), and when a token names a kid that is not there, but apart_ms apart at least (5 seconds after a
 * failure). While that fails the old ones hold for a day. E_UNAUTHORIZED; PENDING; E_CLOCK; E_STATUS, E_IO and the like: there
 * are no keys. */
MCPT_API mcpt_err mcpt_jwt_verify(void *verifier, const mcpt_token *token, mcpt_principal *who);

typedef struct mcpt_introspection {   /* asks the authorization server about every token that the guard does not remember */
    const mcpt_env *env;              /* static; crypto with sha256 */
    const mcpt_jwt_rules *rules;      /* static: audiences, clients, no_aud, leeway; issuer: compared when the answer has iss */
    mcpt_exchange *exchange;
    const char *url;                  /* static, https: introspection_endpoint. NULL with clerk: Clerk's */
    const char *client_id, *secret;   /* static: HTTP Basic; client_id NULL: secret is sent as Bearer */
    bool clerk;                       /* Clerk's own interface for its opaque tokens instead of RFC 7662 */
    char *buf;                        /* caller's: authorization, the token percent-encoded, the answer's members; 1 to 2 KB */
    size_t cap;
    struct mcpt_hub *hub;             /* private, and all below */
    mcpt_keep keep;
    mcpt_span found[20];
    uint8_t hash[32];
    uint32_t since;
    size_t used;
    mcpt_err result;
    uint8_t state;
    bool others;
} mcpt_introspection;
/* E_UNAUTHORIZED: not active, no access token (token_type, token_use, typ), or against the rules; PENDING; E_STATUS (also 401: your
 * secret is wrong), E_IO and the like: no answer; E_SPACE: the answer is larger than buf. Works without a clock: the server has judged exp. Without sub (the client
 * acts for itself) the client is the subject. */
MCPT_API mcpt_err mcpt_introspection_verify(void *introspection, const mcpt_token *token, mcpt_principal *who);

#if !MCPT_NO_METADATA
typedef struct mcpt_clerk {           /* tokens of Clerk: JSON Web Tokens by their key set, oat_... by asking; no session tokens */
    mcpt_jwt_verifier jwt;            /* set env, keys, exchange, buf and cap of both before init; rules and URLs are made by it */
    mcpt_introspection opaque;        /* (secret NULL: opaque tokens are refused) */
    mcpt_jwt_rules rules;             /* clients: set it, for Clerk's tokens name no audience: without, any client of yours may call */
    char issuer[MCPT_CLERK_ISSUER + 24], jwks_url[MCPT_CLERK_ISSUER + 24];    /* private */
} mcpt_clerk;
MCPT_API MCPT_NODISCARD mcpt_err mcpt_clerk_init(mcpt_clerk *c, const char *publishable_key);       /* E_ARG: not such a key */
MCPT_API mcpt_err mcpt_clerk_verify(void *clerk, const mcpt_token *token, mcpt_principal *who);
#endif
MCPT_API mcpt_err mcpt_dpop_prove(void *dpop, const mcpt_token *token, const mcpt_principal *who);     /* for mcpt_guard.prove */
#endif

/* >>pairing -----------------------------------------------------------------------------------------------
 * A small authorization server (RFC 6749 and RFC 9700, as MCP asks for it) for a device that has none: a stock client gets in
 * from nothing but the URL. It registers (RFC 7591), its user's browser shows a page of the device, the person types the
 * code that the device shows meanwhile (display, console), the client gets its tokens. Put it into a guard:
 *     mcpt_pairing_init(&pairing, &config, &env, &hub);
 *     mcpt_guard guard = { .verify = mcpt_pairing_verify, .user = &pairing, .pairing = &pairing, .scopes = "read" };
 * Served then: /authorize, /token, /register, /revoke (RFC 7009) and both metadata documents, on the server's own
 * connections, under the base URL that the client used (mcpt_identity.base_url, which has no path; NULL: http and Host). Plain
 * http is refused unless that URL is this machine's own (localhost, 127.0.0.0/8, ::1).
 * Holds: PKCE S256 only; redirect URIs exact (a loopback one with any port: RFC 8252 section 7.3), https or loopback http;
 * codes for one use within 60 seconds, a second use revokes; refresh tokens rotate, an old one revokes them all; tokens
 * are 256 random bits and stored as SHA-256; 5 wrong pairing codes lock for a minute, then 2, 4 ... 64, until one is right; errors
 * go to a redirect URI only when it is the client's. tx holds 1 KB at least. With MCPT_HOSTED the host passes query.
 * With an exchange of its own the device also takes clients that do not register but are an https URL, where their metadata
 * stands (draft-ietf-oauth-client-id-metadata-document). It is fetched before the page is shown and kept as long as it says (a
 * minute to a day); never by a redirect, from this machine or, as the port asks mcpt_exchange_address_ok(), from a private network.
 * Such a client, too, is a row of clients; mcpt_principal.client_id is its number. */
#if !MCPT_NO_PAIRING
#ifndef MCPT_PAIRING_REQUESTS
#define MCPT_PAIRING_REQUESTS 4       /* pages open at once; the oldest gives way */
#endif
#define MCPT_PAIRING_RECORD 512       /* the largest record in the store */
typedef struct mcpt_pairing_scope { const char *scope, *text; } mcpt_pairing_scope;    /* text for the page; NULL: scope */
typedef struct mcpt_pairing_config {  /* all static */
    const mcpt_store *store;          /* records "pairc.." and "pairg.." are ours. Processes that share it need its swap; all
                                       * verify and refresh, a page and its code stay at the process that showed it */
    /* A code, "1234 5678", is to be shown, with the name of the client that asks; NULL: it is over. The last one counts. */
    void (*show)(void *user, const char *code, mcpt_str client);
    void *user;
    const char *title;                /* the device's name on the page; NULL: the server's title or name */
    const mcpt_pairing_scope *scopes; /* all there are, those of the guard among them; at most 32, 200 bytes of names */
    size_t nscopes;
    uint8_t clients, grants;          /* most records of each; 0: 8. A client without tokens gives way to a new one */
    uint32_t access_s, refresh_s;     /* seconds: 0: an hour; 0: 90 days without a use */
    struct mcpt_exchange *exchange;   /* for this alone; NULL: clients must register */
    char *document;                   /* caller's room for one URL and one document; 5 KB is what the draft recommends */
    size_t document_cap;
    bool document_private;            /* they may be in private networks and on this machine */
} mcpt_pairing_config;
typedef struct mcpt_pairing_document { uint8_t id[8], state; uint32_t at, ttl_ms; } mcpt_pairing_document;   /* private: the fate of one */
typedef struct mcpt_pairing_request { /* private: a page that is open, then its code */
    uint8_t state, tries, client[9];
    uint8_t form[16], query[32], code_hash[32], redirect[32], challenge[32], family[16];
    char code[10];
    uint32_t since, scopes;
} mcpt_pairing_request;
typedef struct mcpt_pairing_face {    /* private: what a connection calls, so that only programs that pair link it */
    uint16_t (*head)(struct mcpt_conn *c, mcpt_str method, mcpt_str type, mcpt_str coding, bool origin);
    void (*get)(struct mcpt_conn *c);
    void (*post)(struct mcpt_conn *c, mcpt_str body);
    void (*put)(const struct mcpt_conn *c, mcpt_writer *w);
} mcpt_pairing_face;
typedef struct mcpt_pairing {         /* private; do not copy or move after init */
    const mcpt_pairing_face *face;
    const mcpt_pairing_config *config;
    const mcpt_env *env;
    struct mcpt_hub *hub;
    mcpt_pairing_request requests[MCPT_PAIRING_REQUESTS];
    uint32_t boot, seen, locked_at, locked_ms, register_at;
    uint8_t wrong, locks, registers, fetched, fetches;
    bool found;                       /* rec is what the store has */
    char rec[MCPT_PAIRING_RECORD], text[1024];
    size_t rec_len, text_len, url_len, document_len;
    mcpt_pairing_document documents[MCPT_PAIRING_REQUESTS];
    mcpt_pairing_document *fetching;  /* also when it has come, until it is read */
} mcpt_pairing;
/* config and env static, hub borrowed as long as the object is used. E_ARG: store or show is missing; E_LIMIT: scopes;
 * E_CRYPTO: no SHA-256; E_RANDOM. Pages that were open are forgotten by a restart, tokens are not. */
MCPT_API MCPT_NODISCARD mcpt_err mcpt_pairing_init(mcpt_pairing *p, const mcpt_pairing_config *config, const mcpt_env *env, struct mcpt_hub *hub);
/* For mcpt_guard.verify. A token without a clock is good for access_s on the monotonic one, until a restart. E_UNAUTHORIZED;
 * E_STORE. The principal is "owner", who stood at the device, with the client's id. */
MCPT_API mcpt_err mcpt_pairing_verify(void *pairing, const mcpt_token *token, mcpt_principal *who);
typedef struct mcpt_paired {          /* a client that holds tokens; text borrowed for the call */
    unsigned id;
    mcpt_str client, scopes;          /* the name it gave itself */
    int64_t created, used;            /* Unix seconds of the pairing and of the last refresh; -1: no clock then */
} mcpt_paired;
/* Every paired client to each(), until it answers false; each() calls nothing of this section. E_STORE. */
MCPT_API mcpt_err mcpt_pairing_list(mcpt_pairing *p, bool (*each)(void *user, const mcpt_paired *one), void *user);
MCPT_API mcpt_err mcpt_pairing_revoke(mcpt_pairing *p, unsigned id);       /* at once. E_ABSENT, E_STORE */
MCPT_API mcpt_err mcpt_pairing_reset(mcpt_pairing *p);                     /* forgets all clients and tokens. E_STORE */
#endif

/* >>server ------------------------------------------------------------------------------------------------
 * A server is const data: tables in flash, zero bytes of RAM a row. It may be shared by any number of connections
 * and hubs. One set of tables and handlers serves every protocol revision. */
#if !MCPT_NO_SERVER
typedef struct mcpt_call {            /* one run of a handler; valid only during it */
    const struct mcpt_server *server;
    const void *user;                 /* of the table row */
    const mcpt_principal *who;        /* NULL: not authenticated */
    void *conn_user;                  /* mcpt_conn_init's; NULL for a call that has outlived its connection */
    uint8_t *scratch;                 /* MCPT_SCRATCH bytes, zero at first, kept from run to run (also through requestState) */
    uint16_t pass;                    /* 0: first run of this request, then 1, 2, ... */
    bool cancelled;                   /* the last run: stop the work, nobody waits for its answer; args may be absent */
    bool task;                        /* running as a task (tasks extension) */
    uint8_t part, kind, base;         /* private */
    mcpt_revision revision;
    mcpt_str uri;                     /* resources: the URI asked for */
    mcpt_str meta;                    /* raw JSON of params._meta; absent when there is none */
    struct mcpt_job *job;             /* private, like everything below */
    struct mcpt_conn *conn;
    struct mcpt_hub *hub;
    mcpt_writer *out;
    const void *row;
    mcpt_doc args, responses, past;
    mcpt_tok *tok;
    uint32_t ntok;
    uint32_t mark, count, ttl_ms, poll_ms;
} mcpt_call;

/* A tool. Write the result through the verbs below and answer MCPT_OK. MCPT_PENDING: not finished; called again
 * after mcpt_wake(), mcpt_retry_after(), or when all answers to its questions are there. MCPT_MORE (tools with
 * MCPT_STREAM): a piece is written, more follows. Negative: E_PARAMS becomes -32602, E_CAPABILITY -32021 (an isError
 * result for a legacy client), E_DECLINED an isError result, anything else -32603. args is the arguments object (absent: the client sent none). */
typedef mcpt_err (*mcpt_tool_fn)(mcpt_call *call, mcpt_val args, mcpt_writer *out);
/* A resource that is computed: mcpt_text() or mcpt_blob(). E_NOT_FOUND when the URI names nothing. */
typedef mcpt_err (*mcpt_read_fn)(mcpt_call *call, mcpt_str uri, mcpt_writer *out);
/* Completion of an argument: mcpt_completion() for each proposal. context: the arguments chosen so far, or absent. */
typedef mcpt_err (*mcpt_complete_fn)(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context, mcpt_writer *out);

enum {                                /* mcpt_tool.flags; the first four become annotations (hints, not promises) */
    MCPT_READ_ONLY = 1,               /* readOnlyHint: true */
    MCPT_NON_DESTRUCTIVE = 2,         /* destructiveHint: false */
    MCPT_IDEMPOTENT = 4,              /* idempotentHint: true */
    MCPT_CLOSED_WORLD = 8,            /* openWorldHint: false */
    MCPT_STREAM = 16,                 /* the handler may answer MCPT_MORE */
    MCPT_BINARY = 32                  /* resources: data is not text, send it as blob */
};
typedef struct mcpt_tool {            /* all text static */
    const char *name;                 /* 1 to 128 of A-Z a-z 0-9 _ . - */
    const char *title, *description;
    const char *input_schema;         /* JSON Schema, an object; NULL: an object without properties */
    const char *output_schema;        /* NULL: none */
    mcpt_tool_fn fn;
    uint32_t flags;
    uint16_t rate, burst;             /* calls a minute and at once; 0: no limit. Needs mcpt_hub_mem.rates */
    const char *scopes;               /* space-separated, for the guard */
    const char *icons, *meta;         /* JSON text of the members icons and _meta */
    const void *user;
} mcpt_tool;
#define MCPT_TOOL(name, description, input_schema, fn, flags) \
    { (name), 0, (description), (input_schema), 0, (fn), (flags), 0, 0, 0, 0, 0, 0 }

typedef struct mcpt_resource {        /* all text static */
    const char *uri;                  /* with {name} or {+name} in it: a template (RFC 6570, level 1 and +) */
    const char *name, *title, *description, *mime;
    const void *data;                 /* static content in flash of size bytes, UTF-8 unless MCPT_BINARY; or */
    size_t size;
    mcpt_read_fn fn;
    uint32_t flags;
    mcpt_complete_fn complete;        /* templates */
    const char *scopes;
    const char *annotations, *icons, *meta;   /* JSON text of these members */
    const void *user;
} mcpt_resource;

typedef struct mcpt_prompt_arg { const char *name, *title, *description; bool required; } mcpt_prompt_arg;
typedef struct mcpt_prompt {          /* all text static */
    const char *name, *title, *description;
    const mcpt_prompt_arg *args;
    size_t nargs;
    mcpt_tool_fn fn;                  /* mcpt_message() and a content verb for each message */
    mcpt_complete_fn complete;
    const char *scopes;
    const char *icons, *meta;
    const void *user;
} mcpt_prompt;

typedef enum mcpt_kind { MCPT_KIND_TOOL, MCPT_KIND_RESOURCE, MCPT_KIND_TEMPLATE, MCPT_KIND_PROMPT } mcpt_kind;

typedef struct mcpt_audit {           /* one finished tool call; borrowed for the call */
    const mcpt_tool *tool;
    const mcpt_principal *who;        /* NULL: not authenticated */
    mcpt_err result;                  /* OK, or why it failed; E_LIMIT: refused by its rate limit */
    bool is_error;                    /* the tool reported a failure */
    uint32_t millis;                  /* from arrival to the end */
} mcpt_audit;

/* What is known only at run time. May change while serving, from the hub's thread. NULL members: the default. */
typedef struct mcpt_identity {
    const char *const *hosts;         /* further accepted Host names without port ("pump.local"), beside the default: */
    size_t nhosts;                    /* localhost, and any IP address literal (a rebinding attack needs a name) */
    const char *const *origins;       /* further accepted origins ("https://app.example"), beside the default: */
    size_t norigins;                  /* the same origin as Host, and loopback origins when Host is loopback */
    bool any_host, any_origin;        /* no check: something in front checks */
    const char *base_url;             /* "https://pump.example", for metadata and audiences; NULL: from Host, no audience */
} mcpt_identity;

enum {                                /* mcpt_server.offers: capabilities that tables do not show */
    MCPT_OFFER_LIST_CHANGED = 1,      /* lists may change (visible, mcpt_hub_changed); needs a hub with listeners */
    MCPT_OFFER_SUBSCRIBE = 2,         /* resource updates (mcpt_hub_updated); needs a hub */
    MCPT_OFFER_LOGGING = 4,           /* handlers call mcpt_log */
    MCPT_OFFER_COMPLETIONS = 8,       /* rows have complete */
    MCPT_OFFER_TASKS = 16             /* handlers call mcpt_task; needs a hub with slots */
};
typedef struct mcpt_server {          /* all pointers static */
    const char *name, *version;       /* serverInfo; required */
    const char *title, *description, *website, *icons;      /* serverInfo; icons is JSON text */
    const char *instructions;
    const char *path;                 /* NULL: "/mcp" */
    const mcpt_tool *tools;
    size_t ntools;
    const mcpt_resource *resources;   /* templates among them */
    size_t nresources;
    const mcpt_prompt *prompts;
    size_t nprompts;
    const uint16_t *tool_index, *resource_index, *prompt_index;  /* from mcpt_index(); NULL: see sorted */
    bool sorted;                      /* every table is sorted by name (resources by uri), in strcmp order; without
                                         index and without this a look-up walks the table */
    uint32_t offers;                  /* MCPT_OFFER_x */
    uint16_t page;                    /* rows of a list page; 0: whole lists */
    uint32_t ttl_ms;                  /* caching hint of lists and reads (2026-07-28) */
    bool cache_public;                /* cacheScope: "public" instead of "private" */
    const mcpt_env *env;              /* required */
    const mcpt_identity *identity;    /* NULL: defaults; the object may change while serving */
    const void *state_key;            /* 32 bytes that sign requestState, shared by processes; NULL: the hub's own */
    uint32_t state_ttl;               /* seconds a requestState lives; 0: 600 */
    bool (*visible)(void *user, mcpt_kind kind, size_t row, const mcpt_principal *who);  /* NULL: all rows */
    void (*audit)(void *user, const mcpt_audit *record);
    void *user;                       /* of visible and audit */
    const mcpt_guard *guard;          /* NULL: anybody may call */
    uint32_t timeout_ms;              /* to receive a request, to send an answer; 0: 10000 */
    uint32_t idle_ms;                 /* keep-alive; 0: 60000 */
    uint32_t ask_ms;                  /* until an unanswered legacy question fails the call; 0: 300000 */
    uint32_t session_ms;              /* idle legacy session; 0: 1800000 */
} mcpt_server;

/* Are the tables and the guard sane? Names, uniqueness, scopes, URLs, order when sorted says so, schemas that are JSON objects, keywords that
 * are not enforced, x-mcp-header rules. Every finding is reported as (row name, what); OK or E_ARG when something is
 * wrong; a keyword that is merely not enforced, and a guard before its URL is known, are reported but not wrong. For development and tests. */
typedef void (*mcpt_check_fn)(void *user, const char *row, const char *what, mcpt_str detail);
MCPT_API mcpt_err mcpt_server_check(const mcpt_server *s, mcpt_check_fn report, void *user);
/* Sorts row numbers by name for fast look-up: name_at(table, row) order; index has n entries, caller's memory. */
MCPT_API void mcpt_index_tools(uint16_t *index, const mcpt_tool *tools, size_t n);
MCPT_API void mcpt_index_resources(uint16_t *index, const mcpt_resource *resources, size_t n);
MCPT_API void mcpt_index_prompts(uint16_t *index, const mcpt_prompt *prompts, size_t n);

/* -- Result verbs, for handlers. In a tool they add content blocks, in a prompt the content of the message opened
 * by mcpt_message(), in a resource the contents. Errors stick in out. */
MCPT_API void mcpt_text(mcpt_writer *out, mcpt_str text);
MCPT_API void mcpt_text_z(mcpt_writer *out, const char *text);
MCPT_API void mcpt_text_begin(mcpt_writer *out);            /* then mcpt_str_add() ..., then */
MCPT_API void mcpt_text_end(mcpt_writer *out);
MCPT_API void mcpt_image(mcpt_writer *out, const char *mime, const void *data, size_t len);
MCPT_API void mcpt_audio(mcpt_writer *out, const char *mime, const void *data, size_t len);
MCPT_API void mcpt_blob(mcpt_writer *out, const void *data, size_t len);   /* resources only */
MCPT_API void mcpt_resource_link(mcpt_writer *out, const char *uri, const char *name, const char *mime);
MCPT_API void mcpt_embedded_text(mcpt_writer *out, mcpt_str uri, const char *mime, mcpt_str text);
MCPT_API void mcpt_embedded_blob(mcpt_writer *out, mcpt_str uri, const char *mime, const void *data, size_t len);
MCPT_API void mcpt_content(mcpt_writer *out);               /* opens a block { of any kind; close it by mcpt_end() */
MCPT_API void mcpt_structured(mcpt_writer *out);            /* opens structuredContent {; close it by mcpt_end(). Without
                                                               other content the same JSON is added as a text block */
MCPT_API void mcpt_message(mcpt_writer *out, const char *role);            /* prompts: "user" or "assistant" */
MCPT_API void mcpt_prompt_description(mcpt_writer *out, const char *text); /* before the first message */
MCPT_API void mcpt_completion(mcpt_writer *out, mcpt_str value);           /* past 100 they are counted, not sent */
MCPT_API mcpt_err mcpt_fail(mcpt_writer *out, const char *message);        /* isError result; answers MCPT_OK: return it */
MCPT_API mcpt_err mcpt_fail_str(mcpt_writer *out, mcpt_str message);
MCPT_API mcpt_err mcpt_error(mcpt_writer *out, int code, const char *message);  /* JSON-RPC error; return its answer */

/* -- During a call. */
/* A progress notification, when the client asked for progress; otherwise nothing happens. Values must increase
 * (E_RANGE). total 0: unknown. message may be NULL. E_SPACE: not sent, for one run's events share half of tx (the other half
 * is the answer's), and none goes out between the pieces of an answer. */
MCPT_API mcpt_err mcpt_progress(mcpt_call *call, int64_t progress, int64_t total, const char *message);
/* A log message to this client, when its level lets it through. logger may be NULL. E_SPACE as above. */
MCPT_API mcpt_err mcpt_log(mcpt_call *call, mcpt_level level, const char *logger, mcpt_str text);
/* Copies the value of {name} of a resource template, percent-decoded. E_ABSENT, E_SPACE, E_PARAMS (bad escape). */
MCPT_API mcpt_err mcpt_uri_var(const mcpt_call *call, const char *name, char *buf, size_t cap, mcpt_str *out);
/* Before answering MCPT_PENDING: call again after ms milliseconds even if nobody wakes the call. */
MCPT_API void mcpt_retry_after(mcpt_call *call, uint32_t ms);
/* What an interrupt or another thread needs to wake a suspended call. Plain data; valid as long as the hub (or,
 * without one, the connection) object exists. A call may be woken early: then it answers MCPT_PENDING again. */
typedef struct mcpt_ticket { volatile uint8_t *flag; struct mcpt_hub *hub; } mcpt_ticket;
MCPT_API mcpt_ticket mcpt_call_ticket(const mcpt_call *call);
MCPT_API void mcpt_wake(mcpt_ticket ticket);                /* the only call allowed from an interrupt or another thread */
#if !MCPT_NO_LEGACY
/* 2025-11-25, with replay memory: closes this call's event stream now, before its answer; the client comes back
 * after retry_ms and reads the rest. Answer MCPT_PENDING after it. E_STATE where that is not possible: carry on. */
MCPT_API mcpt_err mcpt_stream_close(mcpt_call *call, uint32_t retry_ms);
#endif
#if !MCPT_NO_ASK
/* -- Questions to the client: elicitation, sampling, roots. Ask everything this step needs; each answers
 * OK: the answer is there (*result borrowed for the call); PENDING: asked now, return MCPT_PENDING when all were
 * asked; E_DECLINED: the user declined or cancelled; E_CAPABILITY: this client cannot (return it, or go another
 * way); E_STATE: output was begun already; E_PARAMS: legacy client answered with an error or against the schema. Ask before
 * any side effect: the handler starts anew when answers come. key names the question within this call. */
MCPT_API mcpt_err mcpt_ask_form(mcpt_call *call, const char *key, const char *message, const char *schema, mcpt_val *content);
MCPT_API mcpt_err mcpt_ask_url(mcpt_call *call, const char *key, const char *message, mcpt_str url);
MCPT_API mcpt_err mcpt_ask_sampling(mcpt_call *call, const char *key, mcpt_str params, mcpt_val *result);
MCPT_API mcpt_err mcpt_ask_roots(mcpt_call *call, const char *key, mcpt_val *result);
MCPT_API unsigned mcpt_client_can(mcpt_call *call);         /* MCPT_CAN_x of this client, for this request */
#endif
#if !MCPT_NO_TASKS
/* Extension io.modelcontextprotocol/tasks: from here on run as a task. OK: goes on (as a task, or plainly because
 * the client does not know tasks and required is false); PENDING: return it, the handler is called again as a task;
 * E_CAPABILITY: required and the client cannot; E_LIMIT: no slot and required. Ask what must be known before. ttl_ms from
 * creation (0: for ever, the slot, too) its result and its open questions are kept; what is at work then goes on. */
MCPT_API mcpt_err mcpt_task(mcpt_call *call, bool required, uint32_t ttl_ms, uint32_t poll_ms);
MCPT_API mcpt_err mcpt_task_status(mcpt_call *call, const char *message);   /* statusMessage; static text */
#endif

/* >>hub ---------------------------------------------------------------------------------------------------
 * What connections share: legacy sessions, listeners, suspended calls and tasks, rate limits, the list of ready
 * connections, the next deadline. One thread. A modern-only server over HTTP without listeners and tasks works
 * without a hub (no keep-alive deadline then either: the port times connections). */
#ifndef MCPT_SUBSCRIPTIONS
#define MCPT_SUBSCRIPTIONS 256        /* bytes for the resource URIs one session or listener subscribes to */
#endif
typedef struct mcpt_subs {            /* private */
    uint32_t dirty;                   /* bit i: the i-th URI was updated and is not reported yet */
    uint16_t used;
    uint8_t lists, lists_dirty;       /* MCPT_CHANGED_x wanted, pending */
    char uris[MCPT_SUBSCRIPTIONS];    /* NUL-terminated, one behind the other */
} mcpt_subs;
typedef struct mcpt_job {             /* private: a request in work */
    uint8_t method, revision, level, flags, state, has_progress, part, base;
    uint16_t pass, asked, answered, ticket;
    uint8_t need;
    struct mcpt_job *next;
    struct mcpt_conn *conn;           /* where events and the answer go; NULL: nowhere now */
    struct mcpt_session *session;
    struct mcpt_slot *slot;           /* NULL: lives in its connection */
    const void *row;
    const char *text;                 /* the message */
    char *tail;                       /* room for answers */
    uint32_t text_len, tail_len, tail_cap;
    mcpt_str id, name, args, meta, caps, token, responses;    /* in text; len 0: absent */
    uint32_t past;                    /* bytes of tail that hold earlier answers, a JSON object */
    uint32_t started, wake_at, stream;
    int64_t progress;
    const mcpt_principal *who;
    mcpt_verdict *verdict;            /* that who stands in; NULL: none, or in the host's memory */
    uint8_t owner[16];
    uint8_t scratch[MCPT_SCRATCH];
} mcpt_job;
typedef struct mcpt_session {         /* private: a legacy session */
    uint8_t revision, can, level, flags;
    char id[33];                      /* 128 random bits in hexadecimal */
    uint8_t owner[16];
    struct mcpt_conn *conn;           /* its GET stream, or the line connection it lives on */
    char *replay;
    uint32_t replay_cap, replay_len, seq, streams, get_stream, used_at;
    mcpt_subs subs;
} mcpt_session;
typedef struct mcpt_listener {        /* private: a subscriptions/listen stream */
    struct mcpt_conn *conn;           /* NULL: free */
    uint8_t id_len, flags;
    char id[MCPT_MAX_ID];
    mcpt_subs subs;
} mcpt_listener;
typedef struct mcpt_slot {            /* private: a suspended call without a connection of its own, or a task */
    uint8_t status;
    char *data;
    uint32_t cap;
    char id[33];
    int64_t created, updated;         /* Unix seconds */
    uint32_t ttl_ms, poll_ms, born;
    const char *message;
    mcpt_span requests, result;       /* in data */
    mcpt_job job;
} mcpt_slot;
typedef struct mcpt_rate { uint32_t at; uint32_t credit; } mcpt_rate;      /* private: a token bucket */
typedef struct mcpt_hub_mem {         /* caller's memory; any part may be missing, what needs it is then not offered */
    mcpt_session *sessions;
    size_t nsessions;                 /* 0: sessionless legacy service (no questions, no subscriptions there) */
    mcpt_listener *listeners;
    size_t nlisteners;
    mcpt_slot *slots;
    size_t nslots;
    void *slot_data;                  /* nslots * slot_size bytes: request text, answers and result of each */
    size_t slot_size;
    void *replay;                     /* nsessions * replay_size bytes: events kept for Last-Event-ID */
    size_t replay_size;
    mcpt_tok *tok;                    /* for calls that run without a connection */
    size_t ntok;
    mcpt_rate *rates;                 /* one for each tool row */
    mcpt_verdict *verdicts;           /* one for each principal at work at once, more to remember more; a guard needs them */
    size_t nverdicts;
} mcpt_hub_mem;
typedef struct mcpt_hub {             /* private; do not copy or move after init */
    const mcpt_server *server;
    mcpt_hub_mem mem;
    struct mcpt_conn *ready, *ready_last;
    struct { struct mcpt_conn *first, *last; } timer[3];
    mcpt_job *jobs;                   /* suspended */
    uint32_t due;                     /* earliest wake_at of a job */
    uint32_t counter;
    void (*notify)(void *user);
    void *notify_user;
    uint8_t state_key[32];
    uint8_t has_key, has_due;
    volatile uint8_t woken;
    volatile uint8_t wake[32];
} mcpt_hub;
/* E_ABI; E_RANDOM when sessions, slots or requestState need random and env has none. notify (may be NULL) is called
 * by mcpt_wake() in its context, to interrupt the port's wait. mem is copied, what it points to is borrowed. */
MCPT_API mcpt_err mcpt_hub_init_(mcpt_hub *hub, const mcpt_server *server, const mcpt_hub_mem *mem, uint32_t abi);
#define mcpt_hub_init(hub, server, mem) mcpt_hub_init_((hub), (server), (mem), MCPT_ABI)
MCPT_API void mcpt_hub_notify(mcpt_hub *hub, void (*notify)(void *user), void *user);
/* Runs what is due: woken calls without a connection, tasks, deadlines. Answers the milliseconds until it must be
 * called again, (uint32_t)-1 when nothing is due. Then pump every connection mcpt_hub_next() answers. */
MCPT_API uint32_t mcpt_hub_run(mcpt_hub *hub);
MCPT_API struct mcpt_conn *mcpt_hub_next(mcpt_hub *hub);    /* the next ready connection, or NULL */
enum { MCPT_CHANGED_TOOLS = 1, MCPT_CHANGED_PROMPTS = 2, MCPT_CHANGED_RESOURCES = 4 };
MCPT_API void mcpt_hub_changed(mcpt_hub *hub, unsigned lists);             /* list_changed to whoever wants it */
MCPT_API void mcpt_hub_updated(mcpt_hub *hub, const char *uri);            /* resource updated, to its subscribers */
MCPT_API void mcpt_hub_close(mcpt_hub *hub);                /* graceful end: listeners get their last result, calls are cancelled */

/* >>conn --------------------------------------------------------------------------------------------------
 * A server connection. One request at a time over HTTP; any number over lines. */
typedef struct mcpt_mem {             /* caller's memory, borrowed until the connection is closed or given new memory */
    void *rx;
    size_t rx_size;                   /* at least MCPT_RX_MIN; the largest request, head and body */
    void *tx;
    size_t tx_size;                   /* at least MCPT_TX_MIN; the largest answer of a handler that does not stream */
    mcpt_tok *tok;
    size_t ntok;                      /* values and keys of the largest arguments object, answers included */
} mcpt_mem;
#define MCPT_RX_MIN 512
#define MCPT_TX_MIN 512
typedef enum mcpt_framing {
    MCPT_HTTP,                        /* Streamable HTTP on a byte stream */
    MCPT_LINES,                       /* one JSON-RPC message a line: stdio, UART, USB-CDC */
    MCPT_HOSTED                       /* a host parses HTTP itself: mcpt_conn_request() */
} mcpt_framing;
typedef struct mcpt_field_line { mcpt_str name, value; } mcpt_field_line;
typedef struct mcpt_request {         /* from a host; all borrowed until the exchange is over */
    mcpt_str method, path, body;      /* path without query */
    const mcpt_field_line *fields;    /* every header field */
    size_t nfields;
    const mcpt_principal *who;        /* authenticated by the host; NULL */
    mcpt_str query;                   /* behind the ? of the target; >>pairing needs it, a guard refuses tokens in it */
    bool no_stream;                   /* the host cannot stream: event streams are not opened */
} mcpt_request;
typedef struct mcpt_response {
    uint16_t status;
    int64_t length;                   /* bytes of the body, -1: a stream, until mcpt_io_want() answers MCPT_CLOSED */
} mcpt_response;
typedef struct mcpt_conn {            /* private; do not copy or move after init */
    mcpt_io io;                       /* first: a pointer to one is a pointer to the other */
    uint32_t flags;
    uint8_t timer, generator, stage, in_ready, revision;
    const mcpt_server *server;
    mcpt_hub *hub;
    mcpt_session *session;            /* of the request, or of the stream */
    mcpt_job *work;                   /* the suspended job whose answer this connection waits for */
    uint32_t body, body_len;          /* the message in rx */
    uint32_t end;                     /* bytes of rx that belong to this message */
    uint32_t batch;                   /* offset of the next message of a batch */
    uint32_t frame;                   /* where the current chunk begins in tx */
    uint32_t stream;                  /* legacy event stream number */
    uint32_t piece, piece_at, piece_n;    /* row, offset in it and rows so far of a list in pieces */
    mcpt_listener *listener;
    mcpt_tok *tok;
    uint32_t ntok;
    void *user;
    struct mcpt_conn *ready_next, *timer_prev, *timer_next;
    uint32_t deadline;
    const mcpt_request *request;      /* MCPT_HOSTED */
    mcpt_response response;
    uint16_t status;
    mcpt_chunked chunked;
    mcpt_writer w;
    mcpt_job job;                     /* the request in work */
    const mcpt_principal *who;        /* of the request */
    mcpt_verdict *verdict;
    const char *allow, *need;         /* of a 405; scopes of the row that is refused */
    uint32_t fields, fields_end;      /* MCPT_HOSTED: the header lines in tx */
    uint16_t lines;                   /* bytes of header lines that stand in tx already */
    uint8_t route, refusal;
    bool told;                        /* a host has seen that the head is known */
    const char *session_id;           /* of the session that this answer begins */
    mcpt_head head;
} mcpt_conn;
/* hub may be NULL (see >>hub), mem too (see mcpt_conn_mem). user is yours (mcpt_call.conn_user). With MCPT_HOSTED rx only
 * holds answers to questions. E_ARG: memory below the minimum; E_ABI. */
MCPT_API mcpt_err mcpt_conn_init_(mcpt_conn *c, const mcpt_server *s, mcpt_hub *hub, const mcpt_mem *mem,
                                  mcpt_framing framing, void *user, uint32_t abi);
#define mcpt_conn_init(c, s, hub, mem, framing, user) mcpt_conn_init_((c), (s), (hub), (mem), (framing), (user), MCPT_ABI)
/* An idle connection (nothing received, nothing to send; also an open event stream without news) needs no buffers: take
 * them away with mem NULL, and give it some when bytes arrive or mcpt_hub_next() answers it. What was received behind the
 * request for a stream goes with them; the connection ends with the stream then. Without buffers mcpt_io_want() does
 * nothing but notice the end. E_STATE: it is not idle. E_ARG: below the minimum, rx of 2 GB or more, tx of 16 MB or more. */
MCPT_API bool mcpt_conn_idle(const mcpt_conn *c);
/* Has it answered a request, and waits for another that may never come? Where connections are few, such a one may be closed
 * for a new client (RFC 9112 section 9.5); an event stream is not one. */
MCPT_API bool mcpt_conn_spare(const mcpt_conn *c);
MCPT_API mcpt_err mcpt_conn_mem(mcpt_conn *c, const mcpt_mem *mem);
/* Must be called when the transport is gone, before the object is used for another connection. */
MCPT_API void mcpt_conn_close(mcpt_conn *c);
/* MCPT_HOSTED: hands over a parsed request. Then mcpt_io_want() runs it; mcpt_conn_response() answers the status and
 * headers as soon as they are known (NULL until then; wait for mcpt_hub_next()), mcpt_io_tx() the body. E_STATE: busy. */
#if !MCPT_NO_HTTP && !MCPT_NO_HOSTED
/* Does this path (without query) belong to the server: its endpoint, or a metadata document of its guard? */
MCPT_API bool mcpt_server_serves(const mcpt_server *s, mcpt_str path);
MCPT_API mcpt_err mcpt_conn_request(mcpt_conn *c, const mcpt_request *request);
MCPT_API const mcpt_response *mcpt_conn_response(const mcpt_conn *c);
/* The next header field of the answer, *it is 0 at first: all but Content-Length and what concerns the connection. Both
 * are NUL-terminated too. Borrowed until the next mcpt_io_want() or mcpt_io_tx_ack(). False: there are no more. */
MCPT_API bool mcpt_conn_field(const mcpt_conn *c, uint32_t *it, mcpt_str *name, mcpt_str *value);
#endif

/* Bytes of RAM: of one connection with its buffers, and of what connections share. Constant expressions. */
#define MCPT_RAM_CONN(rx, tx, tok) (sizeof(mcpt_conn) + (size_t)(rx) + (size_t)(tx) + (size_t)(tok) * sizeof(mcpt_tok))
#define MCPT_RAM_HUB(sessions, replay, listeners, slots, slot_size, tok, rates, verdicts) \
    (sizeof(mcpt_hub) + (size_t)(sessions) * (sizeof(mcpt_session) + (size_t)(replay)) + \
     (size_t)(listeners) * sizeof(mcpt_listener) + (size_t)(slots) * (sizeof(mcpt_slot) + (size_t)(slot_size)) + \
     (size_t)(tok) * sizeof(mcpt_tok) + (size_t)(rates) * sizeof(mcpt_rate) + \
     (size_t)(verdicts) * sizeof(mcpt_verdict))

#define MCPT_SWITCHES ((uint32_t)(MCPT_NO_HTTP | MCPT_NO_LINES << 1 | MCPT_NO_LEGACY << 2 | MCPT_NO_RESOURCES << 3 | \
    MCPT_NO_PROMPTS << 4 | MCPT_NO_COMPLETION << 5 | MCPT_NO_LISTEN << 6 | MCPT_NO_ASK << 7 | MCPT_NO_TASKS << 8 | \
    MCPT_NO_SCHEMA << 9 | MCPT_NO_FLOAT << 10 | MCPT_NO_HOSTED << 11 | MCPT_MAX_DEPTH << 12 | (MCPT_SCRATCH / 8) << 20))
#define MCPT_ABI (MCPT_SWITCHES ^ (uint32_t)sizeof(mcpt_conn) * 40503u ^ (uint32_t)sizeof(mcpt_hub) * 2654435769u ^ \
    (uint32_t)sizeof(mcpt_slot) * 97u ^ (uint32_t)sizeof(mcpt_session) * 7919u ^ (uint32_t)MCPT_MAX_RSA * 31u)
#endif /* !MCPT_NO_SERVER */
/* >>oauth -------------------------------------------------------------------------------------------------
 * A client's authorization (MCP authorization chapter of 2025-03-26 to 2026-07-28: OAuth 2.1, RFC 6749, 7591, 7636, 8414,
 * 8628, 8707, 9126, 9207, 9728) without I/O: the object says what to do next and is told what came of it. Facts, records and
 * transient text share one buffer of the caller's. With a store nothing is lost by a reboot between any two steps, and
 * nothing is sent twice that may be used once. */
#if !MCPT_NO_OAUTH
typedef enum mcpt_grant {
    MCPT_GRANT_CODE,                  /* a person signs in with a browser (authorization code, PKCE S256) */
    MCPT_GRANT_DEVICE,                /* a person signs in on another device (RFC 8628); code where the server has no device grant */
    MCPT_GRANT_CLIENT,                /* client credentials (RFC 6749 section 4.4) */
    MCPT_GRANT_JWT_BEARER,            /* an assertion of the platform (RFC 7523 section 2.1; workload identity) */
    MCPT_GRANT_ENTERPRISE             /* token exchange at an identity provider (RFC 8693), then RFC 7523 */
} mcpt_grant;
enum {                                /* mcpt_oauth_config.quirks: what some authorization servers need */
    MCPT_QUIRK_NO_RESOURCE = 1,       /* send no resource parameter (Entra) */
    MCPT_QUIRK_ASSUME_S256 = 2,       /* metadata without code_challenge_methods_supported (Entra, Cognito) */
    MCPT_QUIRK_NO_OFFLINE = 4,        /* never ask for offline_access (Keycloak) */
    MCPT_QUIRK_ISSUER_SLASH = 8,      /* issuer may differ by one trailing slash (Auth0) */
    MCPT_QUIRK_RAW_BASIC = 16,        /* client id and secret are not form-encoded in Basic */
    MCPT_QUIRK_CROSS_ORIGIN = 32,     /* resource_metadata of a challenge may be on another origin */
    MCPT_QUIRK_NO_FALLBACK = 64       /* servers without protected resource metadata (2025-03-26) are refused */
};
typedef struct mcpt_oauth_config {    /* all text static */
    const char *endpoint;             /* URL of the MCP server; https, or http on loopback; required */
    const char *session;              /* tells users or purposes of one endpoint apart in the store; NULL: "" */
    mcpt_grant grant;
    const char *redirect_uri;         /* MCPT_GRANT_CODE; required there */
    const char *scope;                /* asked for when neither challenge nor metadata name scopes; NULL: none */
    const char *client_id, *client_secret;    /* pre-registered; NULL: see below */
    const char *client_issuer;        /* the issuer client_id belongs to; NULL: any (avoid) */
    const char *client_metadata_url;  /* client ID metadata document, used where the server supports them */
    const char *client_name, *client_uri, *software_id, *software_version;     /* dynamic registration (RFC 7591) */
    const char *initial_token;        /* initial access token of RFC 7591; NULL */
    bool public_client;               /* register without a secret */
    const char *extra;                /* further parameters of the authorization URL, form-encoded: "prompt=consent"; NULL */
    const char *assertion;            /* MCPT_GRANT_JWT_BEARER; of MCPT_GRANT_ENTERPRISE: the identity provider's ID token */
    const char *idp_token_endpoint, *idp_client_id, *idp_client_secret;        /* MCPT_GRANT_ENTERPRISE */
#if !MCPT_NO_JWT
    const mcpt_signer *signer;        /* authenticates by private_key_jwt (RFC 7523 section 2.2) where the server lists it; NULL */
    const char *key_id;               /* kid of signer's key; NULL */
    const mcpt_signer *dpop;          /* where the server lists ES256 for DPoP (RFC 9449), asks for tokens that are bound to this key, and
                                         refuses others. NULL */
#endif
    uint32_t quirks;                  /* MCPT_QUIRK_x */
    const mcpt_env *env;              /* random and crypto.sha256 are required */
    const mcpt_store *store;          /* NULL: in memory only, a reboot begins anew */
    const void *store_key;            /* 32 bytes of this device: records are encrypted (aead_seal) or at least authenticated
                                         (hmac_sha256) with it; NULL: guarded against accidents only */
} mcpt_oauth_config;
typedef enum mcpt_oauth_step {
    MCPT_OAUTH_IDLE,                  /* no token: call the server without one, then see mcpt_oauth_refused() */
    MCPT_OAUTH_READY,                 /* there is a token: mcpt_oauth_token() */
    MCPT_OAUTH_REQUEST,               /* send mcpt_oauth_request(), then mcpt_oauth_head(), _body()..., _done() */
    MCPT_OAUTH_USER,                  /* show mcpt_oauth_url(); code: then mcpt_oauth_callback(); device: call again when due */
    MCPT_OAUTH_FAILED,                /* why: mcpt_oauth_error(); mcpt_oauth_start() begins anew */
    MCPT_OAUTH_WAIT                   /* another process that shares the store is refreshing the token: call again when due */
} mcpt_oauth_step;
typedef struct mcpt_oauth_http {      /* one request; borrowed until mcpt_oauth_head() or _done() */
    const char *method;
    mcpt_str url;                     /* checked; https, or http on loopback */
    mcpt_str authorization;           /* value of Authorization, a secret; absent: none */
    const char *content_type;         /* NULL: no body */
    mcpt_str body;                    /* may hold secrets */
    mcpt_str dpop;                    /* value of DPoP; absent: none */
} mcpt_oauth_http;
enum { MCPT__OA_ROWS = 21 };
typedef struct mcpt_oauth {           /* private; do not copy or move after init */
    const mcpt_oauth_config *config;
    mcpt_str endpoint;
    char *mem;
    uint32_t size, used, top;
    mcpt_err err;
    uint8_t state, step, round, auth;
    uint8_t refused, stepped, registered;
    uint32_t flags, margin, due, interval, retry_after;
    int64_t expires;
    uint16_t status;
    mcpt_oauth_http request;
    mcpt_keep keep;
    mcpt_span found[MCPT__OA_ROWS];
    char reason[96];
} mcpt_oauth;
#define MCPT_OAUTH_MEM 4096           /* a good size of its memory; tokens beyond 1 KB need more */
/* Loads what the store holds. config and mem (size bytes, wiped by mcpt_oauth_close) are borrowed until then. E_ARG: a URL
 * is missing or refused, size below 1024; E_CRYPTO, E_RANDOM: env lacks what is required; E_STORE: the store failed (a
 * damaged record counts as absent); E_SPACE: a record is larger than mem. */
MCPT_API mcpt_err mcpt_oauth_init(mcpt_oauth *o, const mcpt_oauth_config *config, void *mem, size_t size);
MCPT_API mcpt_oauth_step mcpt_oauth_next(mcpt_oauth *o);    /* what to do now; refreshes a token that is about to expire */
/* Milliseconds until next may answer otherwise, or, FAILED, until the server's Retry-After lets you start anew; (uint32_t)-1: never. */
MCPT_API uint32_t mcpt_oauth_due(const mcpt_oauth *o);
MCPT_API mcpt_str mcpt_oauth_token(const mcpt_oauth *o);    /* READY: the access token, a secret, borrowed until the next call */
/* READY: the header lines of a request to the MCP server, Authorization and, for a bound token, DPoP: a fresh proof each
 * time, so one for every request. Answers the bytes written (not terminated), 0: there is no token, or cap is too small, or
 * the proof cannot be made (E_CLOCK, E_CRYPTO, E_RANDOM: mcpt_oauth_error). */
MCPT_API size_t mcpt_oauth_lines(mcpt_oauth *o, const char *method, char *buf, size_t cap);
/* The MCP server has refused: status 401 or 403 with the WWW-Authenticate fields (n of them, borrowed for the call) and the
 * DPoP-Nonce it gave (absent: none); token tells whether a token was sent. OK: send the request again, with the token there is now. PENDING: go on with
 * mcpt_oauth_next(). E_UNAUTHORIZED: a fresh token was refused; E_RESOURCE: the challenge leads elsewhere. Nothing was changed:
 * E_SCOPE: all that is asked for was asked for before, or too often; E_STATUS: a 403 that is not about scope, or another status;
 * E_SPACE: more scopes than mem holds. */
MCPT_API mcpt_err mcpt_oauth_refused(mcpt_oauth *o, unsigned status, const mcpt_str *authenticate, size_t n, mcpt_str nonce, bool token);
MCPT_API void mcpt_oauth_accepted(mcpt_oauth *o, mcpt_str nonce);          /* it has answered anything else: the budgets of retries are full again */
MCPT_API void mcpt_oauth_start(mcpt_oauth *o);              /* authorize without waiting for a refusal, or again after a failure */
MCPT_API const mcpt_oauth_http *mcpt_oauth_request(const mcpt_oauth *o);       /* REQUEST; else NULL */
/* The answer: its head (retry_after: seconds, 0: none; nonce: its DPoP-Nonce, absent: none, borrowed for the call), the body in any pieces, its end. E_SPACE from body: what is needed
 * does not fit into mem; stop reading then. failed: OK, or why there is no whole answer. */
MCPT_API void mcpt_oauth_head(mcpt_oauth *o, unsigned status, uint32_t retry_after, mcpt_str nonce);
MCPT_API mcpt_err mcpt_oauth_body(mcpt_oauth *o, const char *text, size_t len);
MCPT_API void mcpt_oauth_done(mcpt_oauth *o, mcpt_err failed);
/* USER: what a person must open, an https URL (http on loopback); and the code to enter there, absent when the URL has it. */
MCPT_API mcpt_str mcpt_oauth_url(const mcpt_oauth *o);
MCPT_API mcpt_str mcpt_oauth_user_code(const mcpt_oauth *o);
/* The redirect came back, perhaps to another process or after a reboot: its query, without '?'. PENDING: go on with
 * mcpt_oauth_next(). E_ABSENT: nobody waits for this state, or another process has taken it, E_TIMEOUT: nobody does any more,
 * after ten minutes, E_STATE: a request is under way, or the grant has no callback (answer 400; nothing was changed). The attempt has failed: E_PARAMS: malformed, or
 * a parameter twice; E_ISSUER: the answer is not of the authorization server that was asked (RFC 9207); E_OAUTH: it refused,
 * see mcpt_oauth_reason(); E_DECLINED: the person did; E_STORE, E_CRYPTO, E_CLOCK, E_RANDOM, E_SPACE. */
MCPT_API mcpt_err mcpt_oauth_callback(mcpt_oauth *o, mcpt_str query);
/* FAILED: why (E_IO, E_STATUS, E_TIMEOUT: may pass). READY: E_STORE and the like: this token could not be stored, a restart
 * loses it; what mcpt_oauth_lines met. IDLE: what the last callback came to, when it found no attempt. Else OK. */
MCPT_API mcpt_err mcpt_oauth_error(const mcpt_oauth *o);
MCPT_API const char *mcpt_oauth_reason(const mcpt_oauth *o);/* what the other side said of it: printable ASCII, untrusted, may be "" */
MCPT_API mcpt_str mcpt_oauth_issuer(const mcpt_oauth *o);   /* the authorization server in use; absent: none yet */
MCPT_API mcpt_str mcpt_oauth_scope(const mcpt_oauth *o);    /* granted; absent: unknown */
/* Revokes the tokens (RFC 7009), deletes a dynamic registration (RFC 7592) and forgets everything, here and in the store:
 * requests follow as in any step, then IDLE; whatever they answer, it is forgotten. */
MCPT_API void mcpt_oauth_logout(mcpt_oauth *o);
MCPT_API void mcpt_oauth_close(mcpt_oauth *o);              /* wipes every secret in memory; the store keeps its records */
/* For layers that keep sessions in a layout of their own (port/store_seed): what is known, secrets too, borrowed until the next call; or
 * absent. Writes to config's store tell that it changed; keys there begin with s (session), c (client), a or d (waits for a person), r (is being refreshed). */
typedef enum mcpt_fact {
    MCPT_FACT_ISSUER = 1, MCPT_FACT_CLIENT_ID = 8, MCPT_FACT_CLIENT_SECRET = 9, MCPT_FACT_ACCESS_TOKEN = 12, MCPT_FACT_REFRESH_TOKEN = 13,
    MCPT_FACT_CODE_VERIFIER = 16, MCPT_FACT_STATE = 17      /* its SHA-256 */
} mcpt_fact;
MCPT_API mcpt_str mcpt_oauth_fact(const mcpt_oauth *o, mcpt_fact fact);
/* After init, IDLE: takes over what another program began with config's client_id; last ACCESS_TOKEN (READY), or STATE, as it is in URLs
 * (USER: mcpt_oauth_callback() follows). Metadata is fetched, and iss compared with it, before a code or refresh token is sent. E_ARG: a
 * value that cannot be; E_STATE; E_SPACE. */
MCPT_API mcpt_err mcpt_oauth_adopt(mcpt_oauth *o, mcpt_fact fact, mcpt_str value);
#endif
/* >>client ------------------------------------------------------------------------------------------------
 * An MCP client without I/O: finds out which era the server speaks (2026-07-28, else initialize), makes one call at a time,
 * answers the server's questions in both eras, follows event streams and resumes them, authorizes itself. Over HTTP it owns
 * one to three channels, each a connection that your port opens: the first carries requests, with two the server's legacy
 * questions can be answered while a call is open, and authorization leaves the first one's connection alone (the second's rx and tx
 * must be as large), with three it is listened to between calls. Over lines one is enough. */
#if !MCPT_NO_CLIENT
struct mcpt_client;
typedef struct mcpt_channel {         /* private; do not copy or move after init. Pump &channel.io like any mcpt_io */
    mcpt_io io;                       /* first */
    struct mcpt_client *client;
    char *msg;
    uint32_t msg_size, msg_len, retry_at;
    uint8_t purpose, flags;
    mcpt_link link;
    mcpt_sse sse;
    char event_id[128];
} mcpt_channel;
typedef struct mcpt_client_config {   /* all text static; NULL or 0: the default */
    const char *endpoint;             /* URL of the server; NULL: lines (the pipes of a process, a UART) */
    const char *name, *version;       /* clientInfo; required */
    const char *title;
    mcpt_revision revision;           /* 0: found out. Else: this one only, or for a legacy one older ones too */
    unsigned can;                     /* MCPT_CAN_x that ask answers (form, URL, sampling, roots) */
    /* The server asks: elicitation/create, sampling/createMessage or roots/list; writes the result object. OK; E_DECLINED:
     * the user declined; anything else: an error. params borrowed for the call. */
    mcpt_err (*ask)(void *user, mcpt_str method, mcpt_val params, mcpt_writer *result);
    void (*notify)(void *user, mcpt_str method, mcpt_str params);  /* progress, log messages, changes; params raw JSON */
    void *user;
    const char *log_level;            /* log messages wanted with calls: "info"; NULL: none (2026-07-28) */
    const char *token;                /* a fixed access token; NULL: none, or oauth's */
#if !MCPT_NO_OAUTH
    struct mcpt_oauth *oauth;         /* initialised by you, for the same endpoint; NULL: a 401 is an error */
#endif
    const mcpt_env *env;              /* millis is required */
    uint32_t timeout_ms;              /* of a call, begins anew with every progress; 0: 60000 */
} mcpt_client_config;
typedef struct mcpt_pieces {          /* where a result goes that is larger than msg; zero it, set the first two */
    mcpt_err (*piece)(void *user, const char *text, size_t len);
    void *user;
    mcpt_keep keep;                   /* private, and all below */
    mcpt_span found[15];
    char buf[256];
    bool open;
} mcpt_pieces;
typedef enum mcpt_client_state {
    MCPT_CLIENT_BUSY,                 /* pump */
    MCPT_CLIENT_READY,                /* begin a call; of the last one: mcpt_client_outcome() */
    MCPT_CLIENT_USER,                 /* a person must act: mcpt_oauth_url(); pump on after mcpt_oauth_callback() */
    MCPT_CLIENT_FAILED,               /* no session with this server: mcpt_client_outcome() says why */
    MCPT_CLIENT_CLOSED                /* mcpt_client_close() is through */
} mcpt_client_state;
typedef struct mcpt_client {          /* private; do not copy or move after init */
    const mcpt_client_config *config;
    mcpt_channel *channels;
    mcpt_tok *tok;
    uint32_t ntok;
    uint8_t nchannels, state, phase, revision, flags, rounds, session_len, kind;
    char *req;                        /* [envelope][params as an object][answers] ... [Mcp-Param fields] */
    uint32_t req_size, inner, inner_len, tail_len, lines_len;
    uint32_t id, due, retry_after;
    mcpt_writer w;
    mcpt_err outcome;
    int64_t code;
    mcpt_str result, message, schema;
    mcpt_doc doc;
    const char *method;
    mcpt_pieces *pieces;
    char name[256];
    uint16_t name_len;
    char session[128];
} mcpt_client;
/* rx: at least 512 bytes, a whole response head; tx: at least 512, request heads and answers to questions; msg: the largest
 * message that comes back. All borrowed until the client is closed. */
MCPT_API void mcpt_channel_init(mcpt_channel *ch, void *rx, size_t rx_size, void *tx, size_t tx_size, void *msg, size_t msg_size);
MCPT_API const mcpt_origin *mcpt_channel_origin(const mcpt_channel *ch);         /* borrowed until the next mcpt_io_want() */
MCPT_API void mcpt_channel_connected(mcpt_channel *ch);
/* Does it lead to another host or port than the endpoint's? Then a server's metadata named it (security best practices, "SSRF"). */
MCPT_API bool mcpt_channel_foreign(const mcpt_channel *ch);
/* request: the largest request with its envelope (about 400 bytes) and the answers to questions; tok: values of the largest
 * params of a question, and of what mcpt_client_value() indexes. E_ARG: something required is missing or too small. */
MCPT_API mcpt_err mcpt_client_init(mcpt_client *c, const mcpt_client_config *config, mcpt_channel *channels, size_t nchannels,
                                   void *request, size_t request_size, mcpt_tok *tok, size_t ntok);
MCPT_API mcpt_client_state mcpt_client_status(mcpt_client *c);
MCPT_API uint32_t mcpt_client_due(const mcpt_client *c);    /* milliseconds until a channel must be pumped without news; (uint32_t)-1 */
/* READY: begins a call. name: of the tool or prompt, the URI of a resource, a task id; NULL for other methods. The writer
 * stands inside arguments (tools/call, prompts/get), else inside params. NULL: not ready, or the method or name too long. */
MCPT_API mcpt_writer *mcpt_client_begin(mcpt_client *c, const char *method, const char *name);
/* The tool's inputSchema as tools/list gave it, for its x-mcp-header parameters (2026-07-28 over HTTP); borrowed until
 * send, so it may lie in the last result. */
MCPT_API void mcpt_client_schema(mcpt_client *c, mcpt_str schema);
/* May this tool be called over HTTP? Its x-mcp-header annotations must be valid (server/tools, "Schema extension"). */
MCPT_API bool mcpt_client_tool_ok(mcpt_str schema);
/* A result that is larger than msg is no E_SPACE then, but goes to p->piece as it arrives, raw JSON, any size up to 4 GiB. First
 * text NULL: begin, what came before does not count (a stream was resumed). The pieces count only when the outcome is OK, and
 * mcpt_client_result() is absent then; a result that fits comes there, and to nobody in pieces. A negative answer ends the
 * call, with it. p is borrowed until the next begin, the text for the call. What must be understood has to fit
 * still, or E_SPACE: questions, notifications, and the id and resultType of the message in p's own 256 bytes. */
MCPT_API void mcpt_client_pieces(mcpt_client *c, mcpt_pieces *p);
/* Sends it: then pump until READY. E_STATE: nothing was begun; E_SPACE: more than request holds; other errors of the writer. */
MCPT_API mcpt_err mcpt_client_send(mcpt_client *c);
MCPT_API void mcpt_client_cancel(mcpt_client *c);           /* gives up the call: READY with E_CANCELLED */
/* OK: mcpt_client_result() holds the result. E_RPC: the server answered an error, see mcpt_client_fault(). E_STATUS (HTTP
 * status in fault's code), E_HTTP (also a content coding: none was asked for), E_IO, E_TIMEOUT, E_SPACE (longer than msg), E_CANCELLED, E_VERSION, E_UNAUTHORIZED, E_SCOPE, ... */
MCPT_API mcpt_err mcpt_client_outcome(const mcpt_client *c);
MCPT_API mcpt_str mcpt_client_result(const mcpt_client *c); /* raw JSON, borrowed until the next send; absent: it went to mcpt_pieces */
MCPT_API mcpt_val mcpt_client_value(mcpt_client *c);        /* the same, indexed; absent: too many values */
MCPT_API mcpt_str mcpt_client_fault(const mcpt_client *c, int64_t *code);      /* its message, raw JSON string; may be absent */
/* Retry-After of the answer to the call, or to its authorization: seconds, at most a day; 0: none, or a date (RFC 9110 section 10.2.3). */
MCPT_API uint32_t mcpt_client_retry_after(const mcpt_client *c);
MCPT_API mcpt_revision mcpt_client_revision(const mcpt_client *c);             /* negotiated; 0: not yet */
/* Ends the session: pump until CLOSED. The oauth object stays; a log-out that it was told before is carried out, too. */
MCPT_API void mcpt_client_close(mcpt_client *c);
#endif
#ifdef __cplusplus
}
#endif
#endif /* MCPTOOLS_H_INCLUDED */

#ifdef MCPTOOLS_IMPLEMENTATION
#ifndef MCPTOOLS_IMPLEMENTED
#define MCPTOOLS_IMPLEMENTED
#include <string.h>
#if defined(__GNUC__)                 /* what a switch leaves without a caller, the compiler drops in silence */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#ifndef MCPT_MEMCPY
#define MCPT_MEMCPY(d, s, n) memcpy((d), (s), (n))
#define MCPT_MEMMOVE(d, s, n) memmove((d), (s), (n))
#define MCPT_MEMSET(d, c, n) memset((d), (c), (n))
#define MCPT_MEMCMP(a, b, n) memcmp((a), (b), (n))
#define MCPT_MEMCHR(p, c, n) memchr((p), (c), (n))
#define MCPT_STRLEN(s) strlen(s)
#endif
#ifndef MCPT_ASSERT
#define MCPT_ASSERT(x) ((void)0)      /* -D'MCPT_ASSERT(x)=assert(x)' with <assert.h> finds misuse while developing */
#endif

/* >>text: implementation -------------------------------------------------------------------------------- */

/* Word-at-a-time loops pay only where the processor loads unaligned words; elsewhere (Cortex-M0+) the byte
 * loops alone are smaller and faster. The builtin keeps the load inline under -ffreestanding as well. */
#ifndef MCPT__WORDS
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || defined(__ARM_FEATURE_UNALIGNED) || \
    defined(_M_X64) || defined(_M_IX86) || defined(_M_ARM64)
#define MCPT__WORDS 1
#else
#define MCPT__WORDS 0
#endif
#endif
#if MCPT__WORDS && defined(__GNUC__) && defined(__BYTE_ORDER__) && SIZE_MAX > 0xffffffffu
#define MCPT__CTZ (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)   /* one instruction finds the lane that differs */
#else
#define MCPT__CTZ 0
#endif
#if MCPT__CTZ && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#define MCPT__FAST 1                  /* instructions count, not bytes */
#define MCPT__QUICK inline __attribute__((always_inline))
#else
#define MCPT__FAST 0
#define MCPT__QUICK
#endif
#define MCPT__REP(byte) ((size_t)-1 / 255u * (byte))        /* the byte in every lane of a word */

#if MCPT__WORDS
static size_t mcpt__load(const char *p)
{
    size_t w;
#if defined(__GNUC__)
    __builtin_memcpy(&w, p, sizeof(w));
#else
    MCPT_MEMCPY(&w, p, sizeof(w));
#endif
    return w;
}
#endif
#if MCPT__CTZ && defined(__SSE2__)    /* every x86-64: sixteen bytes at once, signed: what is not ASCII is below 0 */
#define MCPT__LANES 16u
typedef signed char mcpt__lanes __attribute__((vector_size(16)));
typedef char mcpt__lanes_char __attribute__((vector_size(16)));
typedef unsigned char mcpt__lanes_mod __attribute__((vector_size(16)));                   /* sums wrap */
#define MCPT__HITS(is) ((unsigned)__builtin_ia32_pmovmskb128((mcpt__lanes_char)(is)))     /* a bit for each lane that is */
static inline mcpt__lanes mcpt__lanes_load(const char *p)
{
    mcpt__lanes v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
#else
#define MCPT__LANES 0
#endif

/* How many bytes from p on are ASCII. */
static size_t mcpt__ascii(const char *p, size_t n)
{
    size_t i = 0;
#if MCPT__WORDS
    while (n - i >= sizeof(size_t) && (mcpt__load(p + i) & MCPT__REP(0x80u)) == 0) {
        i += sizeof(size_t);
    }
#endif
    while (i < n && (unsigned char)p[i] < 0x80) {
        i++;
    }
    return i;
}

/* Sets of ASCII characters, bit c of 128. Letters and '-' are in all of them. */
static const uint32_t mcpt__set_url[4] = { 0, 0xafffffd2u, 0x87ffffffu, 0x47fffffeu };     /* pchar / ? */
static const uint32_t mcpt__set_token[4] = { 0, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu };  /* RFC 9110 5.6.2 */
static const uint32_t mcpt__set_host[4] = { 0, 0x03ff2000u, 0x87fffffeu, 0x07fffffeu };    /* A-Za-z0-9-_ */

static bool mcpt__in(const uint32_t *set, char ch)
{
    unsigned c = (unsigned char)ch;
    return c < 128u && ((set[c >> 5] >> (c & 31u)) & 1u) != 0;
}

/* How many bytes from p on are in the set. */
static MCPT__QUICK size_t mcpt__take_set(const uint32_t *set, const char *p, size_t n)
{
    size_t i = 0;
#if MCPT__LANES
    for (; n - i >= MCPT__LANES; i += MCPT__LANES) {
        mcpt__lanes v = mcpt__lanes_load(p + i), low = v | (signed char)0x20;
        unsigned hit = 0xffffu ^ MCPT__HITS(((low > (signed char)0x60) & (low < (signed char)0x7b)) | (v == (signed char)'-'));
        if (hit != 0) {
            i += (unsigned)__builtin_ctz(hit);
            if (!mcpt__in(set, p[i])) {
                return i;
            }
            i -= MCPT__LANES - 1u;
        }
    }
#endif
#if MCPT__CTZ                         /* where instructions count, not bytes */
    while (n - i >= sizeof(size_t)) {
        size_t w = mcpt__load(p + i), low = w | MCPT__REP(0x20u);
        size_t letter = (low + MCPT__REP(0x1fu)) & ~(low + MCPT__REP(0x05u));
        if (((letter | ~((w ^ MCPT__REP(0x2du)) + MCPT__REP(0x7fu))) & ~w & MCPT__REP(0x80u)) != MCPT__REP(0x80u)) {
            break;
        }
        i += sizeof(size_t);
        if (i != n && n - i < sizeof(size_t)) {
            i = n - sizeof(size_t);                         /* the last word may begin in the one before */
        }
    }
#endif
    while (i < n && mcpt__in(set, p[i])) {
        i++;
    }
    return i;
}

static bool mcpt__digit(char c)
{
    return c >= '0' && c <= '9';
}

static char mcpt__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool mcpt__alpha(char c)
{
    char l = mcpt__lower(c);
    return l >= 'a' && l <= 'z';
}

/* The value of a hexadecimal digit, or -1. */
static int mcpt__hex(char c)
{
    char l = mcpt__lower(c);
    if (mcpt__digit(c)) {
        return c - '0';
    }
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static mcpt_str mcpt__mk(const char *p, size_t n)
{
    mcpt_str s;
    s.ptr = p;
    s.len = n;
    return s;
}

/* A part of a text; one that is absent has len 0 (never ptr NULL). */
static inline mcpt_str mcpt__cut(const char *text, mcpt_span s)
{
    return mcpt__mk(text + s.at, s.len);
}

MCPT_API mcpt_str mcpt_z(const char *z)
{
    return mcpt__mk(z, z == NULL ? 0 : MCPT_STRLEN(z));
}

MCPT_API bool mcpt_str_eq(mcpt_str a, mcpt_str b)
{
    return a.ptr != NULL && b.ptr != NULL && a.len == b.len && MCPT_MEMCMP(a.ptr, b.ptr, a.len) == 0;
}

#if MCPT__FAST                        /* for literals: a comparison without a call */
static MCPT__QUICK bool mcpt__str_is(mcpt_str s, const char *z)
{
    return s.len == MCPT_STRLEN(z) && s.ptr != NULL && MCPT_MEMCMP(s.ptr, z, s.len) == 0;
}
#else
#define mcpt__str_is(s, z) mcpt_str_is((s), (z))
#endif

MCPT_API bool mcpt_str_is(mcpt_str s, const char *z)
{
    return mcpt_str_eq(s, mcpt_z(z));
}

/* The same bytes, ASCII letters without regard to case. */
static bool mcpt__ieq(mcpt_str a, mcpt_str b)
{
    size_t i = 0;
    while (i < a.len && a.len == b.len && mcpt__lower(a.ptr[i]) == mcpt__lower(b.ptr[i])) {
        i++;
    }
    return i == a.len && a.len == b.len;
}

MCPT_API bool mcpt_str_ieq(mcpt_str s, const char *z)
{
    return s.ptr != NULL && z != NULL && mcpt__ieq(s, mcpt_z(z));
}

MCPT_API bool mcpt_same(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *p = (const volatile unsigned char *)a;
    const volatile unsigned char *q = (const volatile unsigned char *)b;
    unsigned char diff = 0;
    for (size_t i = 0; i < len; i++) {                      /* volatile: no early exit can be invented */
        diff = (unsigned char)(diff | (p[i] ^ q[i]));
    }
    return diff == 0;
}

MCPT_API void mcpt_wipe(void *p, size_t len)
{
    volatile unsigned char *b = (volatile unsigned char *)p;
    for (size_t i = 0; i < len; i++) {
        b[i] = 0;
    }
}

/* Are the n bytes at p those of word? fold 0: exactly; 0x20: word is in lower case, p in any. CR passes for '-' then,
 * and other controls for digits, ':' and '/': no line of a head holds one. */
static inline bool mcpt__word_is(const char *p, size_t n, const char *word, unsigned char fold)
{
    size_t i = 0;
#if MCPT__WORDS
    while (n - i >= sizeof(size_t)) {
        if ((mcpt__load(p + i) | MCPT__REP(fold)) != mcpt__load(word + i)) {
            return false;
        }
        i += sizeof(size_t);
        if (i != n && n - i < sizeof(size_t)) {
            i = n - sizeof(size_t);                         /* the last word may begin in the one before */
        }
    }
#endif
#if MCPT__CTZ
    if (n - 4u < 4u) {                                      /* two halves that may overlap */
        uint32_t a, b, c, d, mask = (uint32_t)MCPT__REP(fold);
        __builtin_memcpy(&a, p, 4), __builtin_memcpy(&b, p + n - 4, 4);
        __builtin_memcpy(&c, word, 4), __builtin_memcpy(&d, word + n - 4, 4);
        return (((a | mask) ^ c) | ((b | mask) ^ d)) == 0;
    }
#endif
    while (i < n && (p[i] | fold) == word[i]) {
        i++;
    }
    return i == n;
}

/* Finds one of the words packed in the order of their lengths, or answers NO_WORD. rows: the first word of each length
 * from 4 to 21 or more, then where each word starts, and the end of all. */
enum { MCPT__NO_WORD = 255 };
static MCPT__QUICK unsigned mcpt__word_find(const char *words, const uint8_t *rows, const char *p, size_t n, unsigned char fold)
{
    if (n - 4 < 17) {
        unsigned row = rows[n - 4], last = rows[n - 3];
        for (words += rows[18 + row]; row != last; row++, words += n) {
            if (mcpt__word_is(p, n, words, fold)) {
                return row;
            }
        }
    }
    return MCPT__NO_WORD;
}

/* What follows the first byte of a UTF-8 character outside ASCII (Unicode table 3-7): how many bytes, and the lowest
 * and highest next one in bits 8 and 16; those behind it are MCPT__UTF8_REST. 0: no character begins with c. */
#define MCPT__UTF8_REST 0xbf8000u
static uint32_t mcpt__utf8_lead(unsigned c)
{
    uint32_t due = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    uint32_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;       /* overlong forms below */
    uint32_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;      /* surrogates, past U+10FFFF above */
    return c < 0xc2 || c > 0xf4 ? 0 : due | low << 8 | high << 16;
}

static bool mcpt__utf8_fits(uint32_t u, unsigned c)
{
    return c >= ((u >> 8) & 0xffu) && c <= u >> 16;
}

/* The length of the one well-formed UTF-8 character at p (n bytes are there), or 0. */
static size_t mcpt__utf8(const char *p, size_t n)
{
    unsigned lead = n > 0 ? (unsigned char)p[0] : 0xffu;
    uint32_t u = mcpt__utf8_lead(lead);
    size_t need = (u & 0xffu) + 1u;
    if (need > n || (u == 0 && lead >= 0x80)) {
        return 0;
    }
    for (size_t i = 1; i < need; i++) {
        if (!mcpt__utf8_fits(u, (unsigned char)p[i])) {
            return 0;
        }
        u = MCPT__UTF8_REST;
    }
    return need;
}

MCPT_API bool mcpt_utf8_ok(mcpt_str s)
{
    size_t i = 0;
    while (i < s.len) {
        size_t n = mcpt__ascii(s.ptr + i, s.len - i);
        if (n == 0) {
            n = mcpt__utf8(s.ptr + i, s.len - i);
            if (n == 0) {
                return false;
            }
        }
        i += n;
    }
    return true;
}

static char mcpt__b64_char(unsigned v, bool url)
{
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    return abc[v < 62 || !url ? v : v + 2];
}

/* The value of a character, or 64. */
static unsigned mcpt__b64_value(char c, bool url)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26u;
    }
    if (mcpt__digit(c)) {
        return (unsigned)(c - '0') + 52u;
    }
    if (c == (url ? '-' : '+')) {
        return 62;
    }
    return c == (url ? '_' : '/') ? 63 : 64;
}

MCPT_API size_t mcpt_b64_encode(const void *data, size_t len, bool url, char *buf, size_t cap)
{
    const unsigned char *p = (const unsigned char *)data;
    const unsigned char *end = p;
    size_t rest = len % 3, digits = len / 3 * 4 + (rest != 0 ? rest + 1 : 0);
    size_t need = url ? digits : (digits + 3) & ~(size_t)3;
    uint32_t bits = 0;
    unsigned have = 0;                                      /* bits not written yet: 0, 2 or 4 */
    if (len > (size_t)-1 / 2 || (buf != NULL && need > cap)) {
        return 0;
    }
    if (len != 0) {                                         /* NULL + 0 is undefined in C */
        end = p + len;
    }
    for (size_t at = 0; buf != NULL && at < need; at++) {
        if (have < 6) {
            have += 8;
            bits = bits << 8 | (p != end ? *p++ : 0u);
        }
        have -= 6;
        buf[at] = at < digits ? mcpt__b64_char(bits >> have & 63u, url) : '=';
    }
    return need;
}

MCPT_API bool mcpt_b64_decode(mcpt_str text, bool url, void *buf, size_t cap, size_t *len)
{
    unsigned char *out = (unsigned char *)buf;
    size_t n = text.len, at = 0;
    uint32_t bits = 0;
    unsigned have = 0;                                      /* bits not written yet: 0, 2, 4 or 6 */
    *len = 0;
    if (!url) {
        if (n % 4 != 0) {
            return false;
        }
        for (unsigned pad = 0; pad < 2 && n > 0 && text.ptr[n - 1] == '='; pad++) {
            n--;
        }
    }
    if (n % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned v = mcpt__b64_value(text.ptr[i], url);
        if (v > 63) {
            return false;
        }
        bits = (bits << 6 | v) & 0xfffu;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (at == cap) {
                return false;
            }
            out[at++] = (unsigned char)(bits >> have);
        }
    }
    if ((bits & ((1u << have) - 1u)) != 0) {                /* two texts for the same bytes: not canonical */
        return false;
    }
    *len = at;
    return true;
}

MCPT_API bool mcpt_percent_decode(mcpt_str text, char *buf, size_t cap, size_t *len)
{
    size_t at = 0;
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? mcpt__hex(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? mcpt__hex(text.ptr[i + 2]) : -1;
            if (low < 0 || (high | low) == 0) {             /* %00 ends strings elsewhere: never wanted */
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (at == cap) {
            return false;
        }
        buf[at++] = c;
    }
    *len = at;
    return true;
}

/* Reads a decimal number of at most max, without leading zeros; answers where it ends, NULL: there is none. */
static const char *mcpt__decimal(const char *p, const char *end, uint32_t max, uint32_t *v)
{
    const char *start = p;
    uint32_t n = 0;
    uint32_t digit;
    while (p != end && (digit = (uint32_t)(unsigned char)*p - '0') <= 9 && n <= max) {
        n = n * 10u + digit;
        p++;
    }
    *v = n;
    return p != start && n <= max && (*start != '0' || p - start == 1) ? p : NULL;
}

/* Four decimal octets and nothing else: 127.1, 0177.0.0.1 and the like mean different hosts to different
 * programs. */
static bool mcpt__ipv4(const char *p, size_t n)
{
    const char *end = p + n;
    uint32_t octet;
    for (unsigned part = 0; part < 4; part++) {
        if (part != 0 && (p == end || *p++ != '.')) {
            return false;
        }
        p = mcpt__decimal(p, end, 255, &octet);
        if (p == NULL) {
            return false;
        }
    }
    return p == end;
}

/* RFC 4291 section 2.2, without brackets; no zone. */
static bool mcpt__ipv6(const char *p, const char *end)
{
    unsigned groups = 0;
    bool gap = end - p >= 2 && p[0] == ':' && p[1] == ':';
    if (gap) {
        p += 2;
    }
    while (p != end) {                                      /* a round takes a group or leaves */
        const char *start = p;
        while (p != end && mcpt__hex(*p) >= 0) {
            p++;
        }
        if (p != end && *p == '.') {
            groups += 2;
            if (!mcpt__ipv4(start, (size_t)(end - start))) {
                return false;
            }
            break;
        }
        if (p == start || p - start > 4 || ++groups > 8) {
            return false;
        }
        if (p != end && (*p++ != ':' || p == end)) {
            return false;
        }
        if (p != end && *p == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            p++;
        }
    }
    return gap ? groups <= 7 : groups == 8;
}

/* An IPv4 address, or labels of letters, digits, - and _; the root's dot at the end may be there and stays part of
 * the host. A last label of digits, or of 0x and digits, makes others read the whole host as an IPv4 address
 * (WHATWG URL, "ends in a number"): no name may have one. */
static bool mcpt__host_ok(const char *p, size_t n)
{
    const char *end = p + n - (n > 1 && p[n - 1] == '.' ? 1 : 0);
    if (mcpt__ipv4(p, n)) {
        return true;
    }
    for (;;) {                                              /* a round a label */
        size_t len = mcpt__take_set(mcpt__set_host, p, (size_t)(end - p));
        bool hex = len >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x';
        const char *digits = hex ? p + 2 : p;
        p += len;
        if (len == 0 || (p != end && *p != '.')) {
            return false;
        }
        if (p == end) {
            while (digits != p && (hex ? mcpt__hex(*digits) >= 0 : mcpt__digit(*digits))) {
                digits++;
            }
            return digits != p;
        }
        p++;
    }
}

MCPT_API bool mcpt_authority_split(mcpt_str text, mcpt_str *host, uint16_t *port)
{
    const char *p = text.ptr;
    size_t n = 0;
    bool literal = text.len != 0 && *p == '[';
    uint32_t v = 0;
    while (n != text.len && p[n] != (literal ? ']' : ':')) {
        n++;
    }
    if (literal ? n == text.len || !mcpt__ipv6(p + 1, p + n) : n == 0 || !mcpt__host_ok(p, n)) {
        return false;
    }
    n += literal ? 1u : 0u;
    *host = mcpt__mk(p, n);
    if (n != text.len && (p[n] != ':' || mcpt__decimal(p + n + 1, p + text.len, 65535, &v) != p + text.len || v == 0)) {
        return false;
    }
    *port = (uint16_t)v;
    return true;
}

/* Path and query characters of RFC 3986, escapes whole. */
static bool mcpt__url_chars(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '%') {
            if (n - i < 3 || mcpt__hex(p[i + 1]) < 0 || mcpt__hex(p[i + 2]) < 0) {
                return false;
            }
            i += 2;
        } else if (!mcpt__in(mcpt__set_url, p[i])) {
            return false;
        }
    }
    return true;
}

MCPT_API bool mcpt_url_split(mcpt_str text, mcpt_url *url)
{
    const char *p = text.ptr;
    size_t n = text.len, i = 0, start;
    while (i < n && (mcpt__alpha(p[i]) ||
                     (i > 0 && (mcpt__digit(p[i]) || p[i] == '+' || p[i] == '-' || p[i] == '.')))) {
        i++;
    }
    if (i == 0 || n - i < 3 || p[i] != ':' || p[i + 1] != '/' || p[i + 2] != '/') {
        return false;
    }
    url->scheme = mcpt__mk(p, i);
    start = i += 3;
    while (i < n && p[i] != '/' && p[i] != '?') {           /* @, \ and # in it are refused with the host */
        i++;
    }
    if (!mcpt_authority_split(mcpt__mk(p + start, i - start), &url->host, &url->port) ||
        !mcpt__url_chars(p + i, n - i)) {
        return false;
    }
    start = i;
    while (i < n && p[i] != '?') {
        i++;
    }
    url->path = mcpt__mk(p + start, i - start);
    url->query = i < n ? mcpt__mk(p + i + 1, n - i - 1) : mcpt__mk(NULL, 0);
    return true;
}

static unsigned mcpt__url_port(const mcpt_url *u)
{
    return u->port != 0 ? u->port : mcpt_str_ieq(u->scheme, "https") ? 443u : 80u;
}

static bool mcpt__same_origin(const mcpt_url *a, const mcpt_url *b)
{
    return mcpt__ieq(a->scheme, b->scheme) && mcpt__ieq(a->host, b->host) && mcpt__url_port(a) == mcpt__url_port(b);
}

/* Takes the next word off a text with spaces between words. */
static bool mcpt__word_next(mcpt_str *text, mcpt_str *word)
{
    size_t i = 0, n;

    while (i < text->len && text->ptr[i] == ' ') {
        i++;
    }
    for (n = i; n < text->len && text->ptr[n] != ' '; n++) { }
    *word = mcpt__mk(n != 0 ? text->ptr + i : text->ptr, n - i);
    *text = mcpt__mk(n != 0 ? text->ptr + n : text->ptr, text->len - n);
    return word->len != 0;
}

static bool mcpt__word(const char **text, mcpt_str *word)   /* the same of a literal; NULL: none */
{
    mcpt_str rest = mcpt_z(*text);
    bool any = mcpt__word_next(&rest, word);

    *text = any ? rest.ptr : *text;
    return any;
}

static bool mcpt__word_in(mcpt_str text, mcpt_str word)
{
    mcpt_str one;

    while (mcpt__word_next(&text, &one)) {
        if (mcpt_str_eq(one, word)) {
            return true;
        }
    }
    return false;
}

/* This machine itself, by name or address. */
static bool mcpt__loopback(mcpt_str host)
{
    return mcpt_str_ieq(host, "localhost") || mcpt_str_is(host, "[::1]") ||
           (host.len > 4 && MCPT_MEMCMP(host.ptr, "127.", 4) == 0 && mcpt__ipv4(host.ptr, host.len));
}

/* -- text into a buffer: counts past the end; with p NULL it only measures */
typedef struct mcpt__out { char *p; size_t cap, len; } mcpt__out;

static void mcpt__out_add(mcpt__out *o, const char *p, size_t n)
{
    if (o->p != NULL && n <= o->cap && o->len <= o->cap - n && n != 0) {
        MCPT_MEMCPY(o->p + o->len, p, n);
    }
    o->len += n;
}

static void mcpt__out_z(mcpt__out *o, const char *z)
{
    mcpt__out_add(o, z, MCPT_STRLEN(z));
}

static size_t mcpt__out_end(const mcpt__out *o)
{
    return o->p == NULL || o->len <= o->cap ? o->len : 0;
}

/* -- the same where nobody measures: full once something has not fitted */
typedef struct mcpt__text { char *at, *end; bool full; } mcpt__text;

static mcpt__text mcpt__text_on(char *buf, size_t cap)
{
    mcpt__text t;
    t.at = buf;
    t.end = buf + cap;
    t.full = false;
    return t;
}

static void mcpt__add(mcpt__text *t, mcpt_str s)            /* s may stand further on in the same memory */
{
    if (s.len > (size_t)(t->end - t->at)) {
        t->full = true;
    } else if (s.len != 0) {
        MCPT_MEMMOVE(t->at, s.ptr, s.len);
        t->at += s.len;
    }
}

static void mcpt__addz(mcpt__text *t, const char *z)
{
    mcpt__add(t, mcpt_z(z));
}

static mcpt_str mcpt__since(const mcpt__text *t, const char *begin)
{
    return mcpt__mk(begin, (size_t)(t->at - begin));
}

/* One byte for application/x-www-form-urlencoded, %20 for a space: every reader takes it. Answers how many characters it became. */
static size_t mcpt__form_char(char out[3], char ch)
{
    unsigned c = (unsigned char)ch;
    bool plain = mcpt__in(mcpt__set_host, ch) || ch == '.' || ch == '~';
    out[0] = plain ? ch : '%';
    out[1] = "0123456789ABCDEF"[c >> 4];
    out[2] = "0123456789ABCDEF"[c & 15u];
    return plain ? 1 : 3;
}

static void mcpt__out_form(mcpt__out *o, mcpt_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char out[3];
        size_t n = mcpt__form_char(out, s.ptr[i]);
        mcpt__out_add(o, out, n);
    }
}

static void mcpt__add_form(mcpt__text *t, mcpt_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char out[3];
        size_t n = mcpt__form_char(out, s.ptr[i]);
        mcpt__add(t, mcpt__mk(out, n));
    }
}

/* Undoes it into buf. False: malformed, or longer than cap. */
static bool mcpt__form_value(mcpt_str raw, char *buf, size_t cap, mcpt_str *out)
{
    if (raw.len > cap) {
        return false;
    }
    for (size_t i = 0; i < raw.len; i++) {
        buf[i] = raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
    }
    out->ptr = buf;
    return mcpt_percent_decode(mcpt__mk(buf, raw.len), buf, raw.len, &out->len);
}

/* "Basic ..." (RFC 6749 section 2.3.1), in place of the text it is made from. raw: id and secret are not form-encoded. */
static void mcpt__add_basic(mcpt__text *t, mcpt_str id, mcpt_str secret, bool raw)
{
    char *pair;
    size_t n, need;
    mcpt__addz(t, "Basic ");
    pair = t->at;
    for (unsigned i = 0; i < 2; i++) {
        mcpt__addz(t, i != 0 ? ":" : "");
        if (raw) {
            mcpt__add(t, i != 0 ? secret : id);
        } else {
            mcpt__add_form(t, i != 0 ? secret : id);
        }
    }
    n = (size_t)(t->at - pair);
    need = (n + 2) / 3 * 4;
    if (t->full || need > (size_t)(t->end - pair)) {
        t->full = true;
        return;
    }
    MCPT_MEMMOVE(pair + need - n, pair, n);                 /* from its end it is never overtaken */
    t->at = pair + mcpt_b64_encode(pair + need - n, n, false, pair, need);
}

static mcpt_str mcpt__digits(char buf[10], uint32_t v)
{
    size_t i = 10;
    do {
        buf[--i] = (char)('0' + v % 10u);
        v /= 10u;
    } while (v != 0);
    return mcpt__mk(buf + i, 10 - i);
}

/* >>error: implementation ------------------------------------------------------------------------------- */

MCPT_API const char *mcpt_strerror(mcpt_err e)
{
#if MCPT_NO_STRERROR
    (void)e;
    return "";
#else
    /* One packed text instead of pointers: no relocations, so nothing of it ever needs RAM. */
#define MCPT_X(name, value, text) value,
    static const int16_t values[] = { MCPT_ERRORS(MCPT_X) };
#undef MCPT_X
#define MCPT_X(name, value, text) text "\0"
    static const char texts[] = MCPT_ERRORS(MCPT_X) "unknown error";
#undef MCPT_X
    const char *t = texts;
    int code = (int)e < MCPT_E_USER ? (int)MCPT_E_USER : (int)e;    /* all below are the application's */
    for (size_t i = 0; i < MCPT_COUNT(values) && values[i] != code; i++) {
        t += MCPT_STRLEN(t) + 1;
    }
    return t;
#endif
}
#if !MCPT_NO_FLOAT
/*
    Doubles to and from decimal text: exact, texts of any length, integer arithmetic only.

    Needs <stddef.h>, <stdint.h>, <stdbool.h>, MCPT_MEMCPY and MCPT_MEMSET, and a 64-bit IEEE 754 double.

    Both directions turn on one exact fraction. R/S starts as a value below one; each step multiplies R by
    ten and takes the whole part of R/S away, and that is the next decimal digit. M/S is half the distance to
    the neighbouring double.
      - Writing (Steele and White 1990) stops at the first digit where a decimal lies no farther than M from
        the value.
      - Reading estimates in 64 bits with a known error. Only if a rounding boundary (half way between two
        doubles) is within that error does it produce the digits of the boundary and compare them with the
        text one by one, so a number of any length needs no more memory than a short one.
*/
#ifndef MCPT_MEMCPY
#define MCPT_MEMCPY memcpy
#endif
#ifndef MCPT_MEMSET
#define MCPT_MEMSET memset
#endif

typedef char mcpt__f64_is_8_bytes[sizeof(double) == 8 ? 1 : -1];

#define MCPT__F64_INFINITY ((uint64_t)0x7FF << 52)

/* The longest S is that of 2^-1021: 769 bits and 4 to spare. (10^k is kept as 5^k, its twos join the
   exponent.) Limbs of 16 bits need no 64-bit products; on a Cortex-M0+ that is smaller and twice as fast. */
#define MCPT__DEC_LIMBS 49

typedef struct mcpt__dec {
    int n;                           /* limbs in each of R, M and S, the most significant first */
    int s_used;                      /* limbs of S before the zeros at its end */
    uint16_t w[3 * MCPT__DEC_LIMBS]; /* R at 0, M at n, S at 2n */
} mcpt__dec;

/* p *= by. No carry ever leaves R, M or S (see mcpt__dec_start), so R and M together may be one p. */
static void mcpt__big_mul(uint16_t *p, int count, uint32_t by)
{
    uint32_t carry = 0;

    do {
        count--;
        carry += p[count] * by;
        p[count] = (uint16_t)carry;
        carry >>= 16;
    } while (count > 0);
}

/* The sign of a + b - c, where b may be NULL. The limbs below make up for a difference of -1, not for -2. */
static int mcpt__big_cmp(const uint16_t *a, const uint16_t *b, const uint16_t *c, int n)
{
    int32_t diff = 0;

    do {
        diff = diff * 65536 + *a++ - *c++;
        if (b != NULL) {
            diff += *b++;
        }
        n--;
    } while (n > 0 && (uint32_t)(diff + 1) < 2u);
    return (diff > 0) - (diff < 0);
}

/*
    R/S = f * 2^e / 10^k and M/S = m * 2^e / 10^k, where the caller has 0 < R/S < 1.1 and M < R. S stays below
    2^(16n - 4), so ten times R and another M still fit into n limbs.
*/
static void mcpt__dec_start(mcpt__dec *d, uint64_t f, int e, int k, int m)
{
    int five = k < 0 ? -k : k;
    /* of 5^k in S, and 4 to spare; 2378 / 1024 is just over log2(5) */
    int bits = 5 + (k > 0 ? (int)((uint32_t)k * 2378u >> 10) : 0);
    int n = (bits + (k > e ? k - e : 0) + 15) >> 4;
    int down = 16 * n - bits; /* twos in S, filling it: mcpt__dec_next() guesses from the top limbs */
    int up = down + e - k;    /* twos in R and M */
    int count = 2 * n;
    uint16_t *p = d->w + n - (up >> 4);

    d->n = n;
    d->s_used = n - (down >> 4);
    MCPT_MEMSET(d->w, 0, 3u * (size_t)n * sizeof(d->w[0]));
    p[n - 1] = (uint16_t)m;
    for (; f != 0; f >>= 16) {
        *--p = (uint16_t)f;
    }
    p = d->w;
    mcpt__big_mul(p, count, (uint32_t)1 << (up & 15));
    p[count + d->s_used - 1] = (uint16_t)(1u << (down & 15));
    if (k > 0) {
        p += count;
        count = d->s_used;
    }
    for (; five > 5; five -= 6) {
        mcpt__big_mul(p, count, 15625);
    }
    for (; five > 0; five--) {
        mcpt__big_mul(p, count, 5);
    }
}

/* The next decimal digit, 10 R / S. Leaves R = 10 R mod S and M = 10 M. */
static int mcpt__dec_next(mcpt__dec *d)
{
    uint16_t *r = d->w;
    const uint16_t *s = r + 2 * d->n;
    uint32_t q = 0;
    uint32_t top;
    int digit = 0;

    mcpt__big_mul(r, 2 * d->n, 10);
    /* The top limbs give a digit that is never too large and nearly always right. */
    for (top = r[0]; top > s[0]; top -= s[0] + 1u) {
        q++;
    }
    do { /* R -= q S, with 10 less the borrow in the upper half of t */
        uint32_t t = (uint32_t)10 << 16;
        int i = d->s_used;

        do {
            i--;
            t = (t >> 16) + (uint32_t)10 * 0xFFFF + r[i] - s[i] * q;
            r[i] = (uint16_t)t;
        } while (i > 0);
        digit += (int)q;
        q = 1;
    } while (r[0] >= s[0] && mcpt__big_cmp(r, NULL, s, d->n) >= 0);
    return digit;
}

/*
    The shortest digits that read back as the positive double in bits, and of those the closest to it, so that
    the value is 0.DIGITS * 10^*exp10. Returns how many digits there are, 1 to 17.
*/
static int mcpt__f64_digits(uint64_t bits, char digits[17], int *exp10)
{
    mcpt__dec d;
    uint64_t f = bits & (((uint64_t)1 << 52) - 1u);
    int be = (int)(bits >> 52);         /* biased exponent */
    bool near_below = f == 0 && be > 1; /* at a power of two the neighbour below is only half as far away */
    int even = !(bits & 1u);            /* ties read back to the even double, so its bounds belong to it */
    int count = 0;
    int digit;
    int k;
    bool low;
    bool high;

    if (be == 0) {
        be = 1;
    } else {
        f |= (uint64_t)1 << 52;
    }
    /* A power of ten above the value, from the power of two above it: 315653 / 2^20 is log10(2). If it is
       not the next one, leading zeros come out and are dropped: at most one, for subnormals up to 16. */
    k = (int)((((int32_t)be - 1022) * 315653 + ((int32_t)325 << 20)) >> 20) - 324;
    mcpt__dec_start(&d, f << 1, be - 1076, k, 1);
    do {
        const uint16_t *r = d.w;
        const uint16_t *m = r + d.n;
        const uint16_t *s = m + d.n;

        digit = mcpt__dec_next(&d);
        low = mcpt__big_cmp(r, near_below ? r : NULL, m, d.n) < even;
        high = mcpt__big_cmp(r, m, s, d.n) > -even;
        if (high && (!low || mcpt__big_cmp(r, r, s, d.n) > -(digit & 1))) {
            digit++;
        }
        if (count == 0 && digit == 0) {
            k--;
        } else {
            digits[count++] = (char)('0' + digit);
        }
    } while (!low && !high);
    *exp10 = k;
    return count;
}

/*
    Writes v as JSON: the shortest digits that read back as v, laid out as JavaScript does (up to 21 digits
    before the point or five zeros after it, else with an exponent), without a terminating NUL. v is finite.
    Returns the length, 25 at most.
*/
static size_t mcpt__f64_write(double v, char out[32])
{
    char digits[17];
    char *to = out;
    uint64_t bits;
    int count = 1;
    int k = 1;
    int point;
    int i;

    MCPT_MEMCPY(&bits, &v, sizeof(bits));
    if (bits >> 63) {
        bits ^= (uint64_t)1 << 63;
        *to++ = '-';
    }
    digits[0] = '0';
    if (bits != 0) {
        count = mcpt__f64_digits(bits, digits, &k);
    }
    point = k < -5 || k > 21 ? 1 : k;
    for (i = point < 1 ? point - 1 : 0; i < count || i < point; i++) {
        if (i == point) {
            *to++ = '.';
        }
        *to++ = i < 0 || i >= count ? '0' : digits[i];
    }
    if (point != k) {
        unsigned x = (unsigned)(k > 0 ? k - 1 : 1 - k);
        unsigned hundreds = x * 41u >> 12; /* x / 100, right below 400 */
        unsigned tens;

        x -= hundreds * 100u;
        tens = x * 103u >> 10; /* x / 10, right below 100 */
        *to++ = 'e';
        if (k < 1) {
            *to++ = '-';
        }
        if (hundreds != 0) {
            *to++ = (char)('0' + hundreds);
        }
        if (hundreds + tens != 0) {
            *to++ = (char)('0' + tens);
        }
        *to++ = (char)('0' + x - tens * 10u);
    }
    return (size_t)(to - out);
}

/* The high half of a * b, at most 3 too small. */
static uint64_t mcpt__mul_hi(uint64_t a, uint64_t b)
{
    uint32_t a1 = (uint32_t)(a >> 32);
    uint32_t b1 = (uint32_t)(b >> 32);

    return (uint64_t)a1 * b1 + ((uint64_t)a1 * (uint32_t)b >> 32) + ((uint64_t)(uint32_t)a * b1 >> 32);
}

/* The sign of 0.DIGITS * 10^k, whose digits start at p, less f * 2^e. The caller has them within 1 %. */
static int mcpt__f64_versus(const char *p, const char *end, uint64_t f, int e, int k)
{
    mcpt__dec d;

    mcpt__dec_start(&d, f, e, k, 0);
    for (; p < end; p++) {
        int diff = *p - '0';

        if (*p == '.') {
            continue;
        }
        if (diff < 0 || diff > 9) {
            break;
        }
        diff -= mcpt__dec_next(&d);
        if (diff != 0) {
            return diff;
        }
    }
    return -mcpt__big_cmp(d.w, NULL, d.w + d.n, d.n); /* M is zero */
}

/*
    The double nearest to w * 10^q, w != 0, as bits. w has up to 19 digits; if it has 19, more may have been
    cut off. The rest is the number as text, 0.DIGITS * 10^k, for when the 64 bits of w do not decide.
*/
static uint64_t mcpt__f64_round(uint64_t w, int q, const char *p, const char *end, int k)
{
    /* 10, 10^4, 10^16 and their inverses: 64 bits, and the power of two that then remains of a product */
    static const uint64_t power[6] = {
        UINT64_C(0xA000000000000000), UINT64_C(0x9C40000000000000), UINT64_C(0x8E1BC9BF04000000),
        UINT64_C(0xCCCCCCCCCCCCCCCC), UINT64_C(0xD1B71758E219652B), UINT64_C(0xE69594BEC44DE15B)
    };
    static const signed char shift[6] = { 4, 14, 54, -3, -13, -53 };
    unsigned row = q < 0 ? 3 : 0;
    unsigned left = (unsigned)(q < 0 ? -q : q);
    /* The number is in [w, w + error) * 2^e. The digits cut off are 10^-18 of w, so 19 at most. A step adds
       14 at most: of 2^62, the least that mcpt__mul_hi() can give, it is 3 too small, and the power half of
       1; w comes up to four times as large. There are at most 27 steps. */
    unsigned error = 20;
    unsigned low;
    int e = 0;

    for (;;) {
        unsigned size = left >= 16 ? 2 : left >= 4;

        while (!(w >> 63)) {
            w <<= 1;
            e--;
        }
        if (left == 0) {
            break;
        }
        left -= 1u << (2 * size);
        w = mcpt__mul_hi(w, power[row + size]);
        e += shift[row + size];
        error += 16;
    }
    e += 1085; /* now the biased exponent, less one */
    for (; e < 0; e++) { /* subnormal: fewer bits remain */
        w >>= 1;
        error = (error >> 1) + 1u;
    }
    low = (unsigned)w & 0x7FFu;
    w >>= 11;
    if (low <= 0x400u && low + error >= 0x400u) {
        int sign = mcpt__f64_versus(p, end, 2 * w + 1, e - 1075, k);

        low = sign > -(int)(w & 1u) ? 0x401u : 0;
    }
    /* The implicit bit of w adds one to the exponent, and so does rounding up past it. */
    return ((uint64_t)e << 52) + w + (low > 0x400u);
}

/* The exponent after the 'e'. It stops growing where no text that fits into memory could make up for it. */
static ptrdiff_t mcpt__f64_exponent(const char *p, const char *end)
{
    ptrdiff_t x = 0;
    bool negative = *p == '-';

    for (p += negative || *p == '+'; p < end; p++) {
        if (x < PTRDIFF_MAX / 20) {
            x = x * 10 + (*p - '0');
        }
    }
    return negative ? -x : x;
}

/*
    Reads the JSON number p[0..n), rounded to nearest, ties to even. The syntax has been checked. Returns
    false and leaves *out alone if it is out of range. (The exponent of a text over PTRDIFF_MAX / 20 bytes,
    107 MB on a 32-bit machine, may be misread.)
*/
static bool mcpt__f64_read(const char *p, size_t n, double *out)
{
    const char *end = p + n;
    const char *first = p; /* the first digit that is not zero */
    uint64_t bits = 0;
    uint64_t w = 0;        /* up to 19 digits from there */
    ptrdiff_t k = 0;       /* the number is 0.DIGITS * 10^k */
    int count = 0;
    bool negative = *p == '-';
    bool point = false;

    for (p += negative; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.') {
            point = true;
        } else if (w == 0 && *p == '0') {
            k -= point;
        } else {
            first = w == 0 ? p : first;
            k += !point;
            if (count < 19) {
                w = w * 10u + (unsigned)(*p - '0');
                count++;
            }
        }
    }
    if (p < end) {
        k += mcpt__f64_exponent(p + 1, end);
    }
    if (w != 0 && k > -324) {
        bits = k > 309 ? MCPT__F64_INFINITY : mcpt__f64_round(w, (int)k - count, first, end, (int)k);
    }
    if (bits >= MCPT__F64_INFINITY) {
        return false;
    }
    bits |= (uint64_t)negative << 63;
    MCPT_MEMCPY(out, &bits, sizeof(bits));
    return true;
}
#endif

/* >>json-write: implementation ---------------------------------------------------------------------------- */

/* The first byte from p on that a JSON string cannot simply continue with: a quote, a backslash, a control or the
 * beginning of a character outside ASCII; else end. */
static inline const char *mcpt__plain(const char *p, const char *end)
{
#if MCPT__LANES
    for (; (size_t)(end - p) >= MCPT__LANES; p += MCPT__LANES) {
        mcpt__lanes v = mcpt__lanes_load(p);
        unsigned hit = MCPT__HITS(((v ^ (signed char)2) < (signed char)0x21) | (v == (signed char)'\\'));
        if (hit != 0) {
            return p + (unsigned)__builtin_ctz(hit);
        }
    }
#endif
#if MCPT__WORDS
    for (; (size_t)(end - p) >= sizeof(size_t); p += sizeof(size_t)) {
        size_t w = mcpt__load(p);                           /* w ^ 2 puts the quote next to the controls; */
        size_t hit = w | ((w ^ MCPT__REP(2u)) - MCPT__REP(0x21u)) |         /* borrows leave only lanes that hit */
                     ((w ^ MCPT__REP('\\' + 0u)) - MCPT__REP(1u));
        hit &= MCPT__REP(0x80u);
        if (hit != 0) {
#if MCPT__CTZ
            return p + ((unsigned)__builtin_ctzll(hit) >> 3);
#else
            break;
#endif
        }
    }
#endif
    while (p != end) {
        unsigned c = (unsigned char)*p;
        if (c - 0x20u >= 0x60u || c == '"' || c == '\\') {
            break;
        }
        p++;
    }
    return p;
}

/* The first error stays, but E_SPACE gives way to a graver one: what is wrong does not depend on the room. */
static void mcpt__w_fail(mcpt_writer *w, mcpt_err e)
{
    if (w->err == MCPT_OK || w->err == MCPT_E_SPACE) {
        w->err = e;
    }
}

static bool mcpt__w_live(const mcpt_writer *w)
{
    return w->err == MCPT_OK || w->err == MCPT_E_SPACE;
}

/* The only place that stores: counts n bytes, drops those before the window and those past cap. */
static void mcpt__w_bytes(mcpt_writer *w, const char *p, size_t n)
{
    size_t at = w->total;
    size_t room = w->cap - w->len;                          /* 0 when measuring */
    char *to;

    if (!mcpt__w_live(w)) {
        return;
    }
    w->total += n;
    if (at < w->skip) {
        size_t drop = w->skip - at < n ? w->skip - at : n;
        p += drop;
        n -= drop;
    }
    if (n > room) {
        if (w->buf != NULL && (w->flags & MCPT_W_WINDOW) == 0) {
            w->err = MCPT_E_SPACE;
        }
        n = room;
    }
    if (n == 0) {
        return;
    }
    to = w->buf + w->len;
    w->len += n;
    if (n == 1) {                                           /* punctuation, most of the calls */
        *to = *p;
    } else {
        MCPT_MEMCPY(to, p, n);                              /* last, so that it can be a jump */
    }
}

/* What stands for a quote, a backslash or a control inside a string. */
static void mcpt__w_escaped(mcpt_writer *w, unsigned c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr";                /* 8 to 13 */
    char out[6];
    size_t n = 6;

    MCPT_MEMCPY(out, "\\u00", 4);
    out[4] = digits[c >> 4 & 15u];
    out[5] = digits[c & 15u];
    if (c - 8u <= 5u && c != 11) {
        c = (unsigned char)letters[c - 8u];
    }
    if (c >= 0x20) {
        out[1] = (char)c;
        n = 2;
    }
    mcpt__w_bytes(w, out, n);
}

/* The inside of a string. */
static void mcpt__w_escape(mcpt_writer *w, const char *p, size_t len)
{
    const char *run = p;
    const char *end = p;

    if (len != 0) {                                         /* NULL + 0 is undefined in C */
        end = p + len;
    }
    while (p != end) {
        p = mcpt__plain(p, end);
        if (p != end && (unsigned char)*p >= 0x80) {
            size_t n = mcpt__utf8(p, (size_t)(end - p));
            if (n == 0) {
                mcpt__w_fail(w, MCPT_E_UTF8);
                return;
            }
            p += n;
            if (p != end) {
                continue;
            }
        }
        mcpt__w_bytes(w, run, (size_t)(p - run));
        if (p != end) {
            mcpt__w_escaped(w, (unsigned char)*p);
            p++;
        }
        run = p;
    }
}

/* Makes room for a value or, with key, for a member's key: checks that one may stand here, writes the comma. */
static bool mcpt__w_place(mcpt_writer *w, bool key)
{
    bool object = (w->kind & 1u) != 0;
    bool keyed = (w->flags & MCPT_W_KEY) != 0;              /* only in an object */

    if ((w->flags & MCPT_W_STRING) != 0 || (object != keyed) != key || (w->depth == 0 && w->comma != 0)) {
        mcpt__w_fail(w, MCPT_E_STATE);
    }
    if (!keyed && (w->comma & 1u) != 0) {
        mcpt__w_bytes(w, ",", 1);
    }
    w->comma |= 1u;
    w->flags = (uint8_t)((w->flags & ~MCPT_W_KEY) | (key ? MCPT_W_KEY : 0));
    return mcpt__w_live(w);
}

static void mcpt__w_value(mcpt_writer *w, const char *p, size_t n)
{
    if (mcpt__w_place(w, false)) {
        mcpt__w_bytes(w, p, n);
    }
}

/* Where c stands in p[from..n); n: nowhere. */
static size_t mcpt__where(const char *p, size_t from, size_t n, char c)
{
    const char *at = (const char *)MCPT_MEMCHR(p + from, c, n - from);

    return at != NULL ? (size_t)(at - p) : n;
}

/* JSON text as it is, but in one line, as event streams and lines need it: line ends, which stand only between
 * tokens, are left out. */
static void mcpt__w_json(mcpt_writer *w, const char *p, size_t n)
{
    size_t lf = 0;
    size_t cr = 0;
    size_t stop;

    for (size_t at = 0; at < n; at = stop + 1u) {           /* each byte is looked at twice at most */
        lf = lf <= at ? mcpt__where(p, at, n, '\n') : lf;
        cr = cr <= at ? mcpt__where(p, at, n, '\r') : cr;
        stop = lf < cr ? lf : cr;
        mcpt__w_bytes(w, p + at, stop - at);
    }
}

static void mcpt__w_string(mcpt_writer *w, mcpt_str s, bool key)
{
    if (mcpt__w_place(w, key)) {
        mcpt__w_bytes(w, "\"", 1);
        mcpt__w_escape(w, s.ptr, s.len);
        mcpt__w_bytes(w, "\"", 1);
    }
}

/* The levels are shift registers: the innermost is bit 0, the root's bit leaves at depth 32. */
static void mcpt__w_open(mcpt_writer *w, uint32_t object)
{
    if (w->depth >= MCPT_MAX_DEPTH) {
        mcpt__w_fail(w, MCPT_E_DEPTH);
    }
    mcpt__w_value(w, &"[{"[object], 1);
    if (mcpt__w_live(w)) {
        w->depth++;
        w->kind = w->kind << 1 | object;
        w->comma <<= 1;
    }
}

MCPT_API void mcpt_w_init(mcpt_writer *w, void *buf, size_t cap)
{
    MCPT_MEMSET(w, 0, sizeof(*w));
    w->buf = (char *)buf;
    w->cap = buf != NULL ? cap : 0;
}

MCPT_API void mcpt_obj(mcpt_writer *w)
{
    mcpt__w_open(w, 1);
}

MCPT_API void mcpt_arr(mcpt_writer *w)
{
    mcpt__w_open(w, 0);
}

MCPT_API void mcpt_end(mcpt_writer *w)
{
    if (w->depth == 0 || (w->flags & (MCPT_W_KEY | MCPT_W_STRING)) != 0) {
        mcpt__w_fail(w, MCPT_E_STATE);
    } else if (mcpt__w_live(w)) {
        mcpt__w_bytes(w, &"]}"[w->kind & 1u], 1);
        w->depth--;
        w->kind >>= 1;
        w->comma = w->comma >> 1 | 1u;
    }
}

MCPT_API void mcpt_key_str(mcpt_writer *w, mcpt_str key)
{
    if (key.ptr == NULL) {
        mcpt__w_fail(w, MCPT_E_ARG);
    } else {
        mcpt__w_string(w, key, true);
        mcpt__w_bytes(w, ":", 1);
    }
}

MCPT_API void mcpt_key(mcpt_writer *w, const char *key)
{
    mcpt_key_str(w, mcpt_z(key));
}

MCPT_API void mcpt_put_str(mcpt_writer *w, mcpt_str s)
{
    if (s.ptr == NULL) {
        mcpt_put_null(w);
    } else {
        mcpt__w_string(w, s, false);
    }
}

MCPT_API void mcpt_put_z(mcpt_writer *w, const char *z)
{
    mcpt_put_str(w, mcpt_z(z));
}

/* v / 10 in place, the remainder as answer: short divisions, because the C library's 64-bit one costs 700 bytes. */
static uint32_t mcpt__div10(uint64_t *v)
{
    uint32_t high = (uint32_t)(*v >> 32);
    uint32_t low = (uint32_t)*v;
    uint32_t mid = ((high % 10u) << 16) | (low >> 16);

    low = ((mid % 10u) << 16) | (low & 0xffffu);
    *v = ((uint64_t)(high / 10u) << 32) | ((mid / 10u) << 16) | (low / 10u);
    return low % 10u;
}

MCPT_API void mcpt_put_fix(mcpt_writer *w, int64_t v, unsigned decimals)
{
    uint64_t left = v < 0 ? 0u - (uint64_t)v : (uint64_t)v;
    char text[24];                                          /* a sign, 19 digits, a point, and room */
    char *p = text + sizeof(text);

    if (decimals > 18) {
        mcpt__w_fail(w, MCPT_E_ARG);
        return;
    }
    for (unsigned i = 0; i <= decimals || left != 0; i++) {
        if (i == decimals && i != 0) {
            *--p = '.';
        }
        *--p = (char)('0' + mcpt__div10(&left));
    }
    if (v < 0) {
        *--p = '-';
    }
    mcpt__w_value(w, p, (size_t)(text + sizeof(text) - p));
}

MCPT_API void mcpt_put_int(mcpt_writer *w, int64_t v)
{
    mcpt_put_fix(w, v, 0);
}

#if !MCPT_NO_FLOAT
MCPT_API void mcpt_put_f64(mcpt_writer *w, double v)
{
    char text[32];
    uint64_t bits;

    MCPT_MEMCPY(&bits, &v, sizeof(bits));
    if (((bits >> 52) & 0x7ffu) == 0x7ffu) {
        mcpt__w_fail(w, MCPT_E_RANGE);
    } else {
        mcpt__w_value(w, text, mcpt__f64_write(v, text));
    }
}
#endif

MCPT_API void mcpt_put_bool(mcpt_writer *w, bool v)
{
    mcpt__w_value(w, v ? "true" : "false", v ? 4 : 5);
}

MCPT_API void mcpt_put_null(mcpt_writer *w)
{
    mcpt__w_value(w, "null", 4);
}

MCPT_API void mcpt_put_raw(mcpt_writer *w, mcpt_str json)
{
    if (json.len == 0) {
        mcpt_put_null(w);
    } else if (mcpt__w_place(w, false)) {
        mcpt__w_json(w, json.ptr, json.len);
    }
}

MCPT_API void mcpt_put_b64(mcpt_writer *w, const void *data, size_t len)
{
    const char *p = (const char *)data;
    char text[48];

    mcpt_str_begin(w);
    while (len != 0) {
        size_t n = len < 36 ? len : 36;                     /* a multiple of three: no padding inside */
        mcpt__w_bytes(w, text, mcpt_b64_encode(p, n, false, text, sizeof(text)));
        p += n;
        len -= n;
    }
    mcpt_str_end(w);
}

MCPT_API void mcpt_kv_str(mcpt_writer *w, const char *key, mcpt_str s)
{
    mcpt_key(w, key);
    mcpt_put_str(w, s);
}

MCPT_API void mcpt_kv_z(mcpt_writer *w, const char *key, const char *z)
{
    if (z != NULL) {
        mcpt_kv_str(w, key, mcpt_z(z));
    }
}

MCPT_API void mcpt_kv_int(mcpt_writer *w, const char *key, int64_t v)
{
    mcpt_kv_fix(w, key, v, 0);
}

MCPT_API void mcpt_kv_fix(mcpt_writer *w, const char *key, int64_t v, unsigned decimals)
{
    mcpt_key(w, key);
    mcpt_put_fix(w, v, decimals);
}

MCPT_API void mcpt_kv_bool(mcpt_writer *w, const char *key, bool v)
{
    mcpt_key(w, key);
    mcpt_put_bool(w, v);
}

MCPT_API void mcpt_kv_raw(mcpt_writer *w, const char *key, mcpt_str json)
{
    mcpt_key(w, key);
    mcpt_put_raw(w, json);
}

MCPT_API void mcpt_str_begin(mcpt_writer *w)
{
    if (mcpt__w_place(w, false)) {
        w->flags |= MCPT_W_STRING;
        mcpt__w_bytes(w, "\"", 1);
    }
}

MCPT_API void mcpt_str_add(mcpt_writer *w, mcpt_str part)
{
    if ((w->flags & MCPT_W_STRING) == 0) {
        mcpt__w_fail(w, MCPT_E_STATE);
    } else {
        mcpt__w_escape(w, part.ptr, part.len);
    }
}

MCPT_API void mcpt_str_end(mcpt_writer *w)
{
    if ((w->flags & MCPT_W_STRING) == 0) {
        mcpt__w_fail(w, MCPT_E_STATE);
    } else {
        w->flags = (uint8_t)(w->flags & ~MCPT_W_STRING);
        mcpt__w_bytes(w, "\"", 1);
    }
}

MCPT_API mcpt_err mcpt_w_done(mcpt_writer *w, mcpt_str *out)
{
    if (w->depth != 0 || w->comma == 0 || (w->flags & MCPT_W_STRING) != 0) {
        mcpt__w_fail(w, MCPT_E_STATE);
    }
    if (out != NULL) {
        *out = w->err == MCPT_OK ? mcpt__mk(w->buf, w->len) : mcpt__mk(NULL, 0);
    }
    return w->err;
}

/* >>json-scan: implementation -----------------------------------------------------------------------------
 * A state machine over single bytes, so that a text may be cut anywhere; only runs inside strings and numbers are
 * taken at once. It fails at the first byte that no valid text has there. A lone surrogate escape is E_UTF8: what it
 * names cannot be written in UTF-8. A twice picked member fails at the quote that ends its second key. */
enum {
    MCPT__S_AFTER,                    /* a comma or the end of the container; at depth 0 the end of the text */
    MCPT__S_ITEM,                     /* a value or ] */
    MCPT__S_MEMBER,                   /* a key or } */
    MCPT__S_KEY,                      /* a key */
    MCPT__S_VALUE,                    /* a value */
    MCPT__S_COLON,
    MCPT__S_STRING,                   /* inside a string; sub: 1 when it is a key */
    MCPT__S_NUMBER,                   /* sub: MCPT__N_x */
    MCPT__S_WORD,                     /* sub: the next byte of mcpt__words */
    MCPT__S_UTF8,                     /* u: bytes due, lowest and highest next byte */
    MCPT__S_ESCAPE,                   /* after a backslash */
    MCPT__S_HEX,                      /* 4 states: the digits behind \u; u: their value */
    MCPT__S_LOW = MCPT__S_HEX + 4,    /* 6 states: the second half of a surrogate pair; u: both halves */
    MCPT__S_FAILED = MCPT__S_LOW + 6,

    MCPT__NONE = 255                  /* no depth; a key too long to be a row's */
};
enum { MCPT__N_MINUS, MCPT__N_ZERO, MCPT__N_INT, MCPT__N_DOT, MCPT__N_FRAC, MCPT__N_E, MCPT__N_SIGN, MCPT__N_EXP,
       MCPT__N_END };
static const char mcpt__words[] = "rue\0alse\0ull";         /* true, false, null behind their first letters */

/* Inside mcpt_scan_feed s->at is the offset less the address of a byte: where it is tells its address alone. */
static uint32_t mcpt__scan_at(const mcpt_scan *s, const char *p)
{
    return s->at + (uint32_t)(uintptr_t)p;
}

static const char *mcpt__scan_fail(mcpt_scan *s, mcpt_err e, const char *p)
{
    s->err = e;
    s->state = MCPT__S_FAILED;
    return p;
}

/* Between values white space is skipped; nothing else has a place where this is called. */
static const char *mcpt__scan_space(mcpt_scan *s, const char *p, const char *end)
{
    const char *begin = p;

    while (p != end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p != begin ? p : mcpt__scan_fail(s, MCPT_E_JSON, p);
}

/* A value has ended before p. */
static const char *mcpt__scan_ended(mcpt_scan *s, const char *p)
{
    if (s->depth == s->wanted) {
        s->found[s->row].len = mcpt__scan_at(s, p) - s->found[s->row].at;
        s->wanted = MCPT__NONE;
    }
    s->state = MCPT__S_AFTER;
    return p;
}

/* The first row below a row; 0: there is none. */
static MCPT__QUICK unsigned mcpt__scan_below(const mcpt_scan *s, unsigned parent)
{
    const mcpt_pick *end = s->picks + s->npicks;
    const mcpt_pick *pick = s->picks + parent;

    if (end[-1].tag >> 8 < parent) {                        /* parents ascend */
        return 0;
    }
    do {
        pick++;
    } while (pick < end && pick->tag >> 8 < parent);
    return pick < end && pick->tag >> 8 == parent ? (unsigned)(pick - s->picks) : 0;
}

static const char *mcpt__scan_open(mcpt_scan *s, const char *p, bool object)
{
    if (s->depth >= MCPT_MAX_DEPTH) {
        return mcpt__scan_fail(s, MCPT_E_DEPTH, p);
    }
    s->state = MCPT__S_ITEM;
    s->kind <<= 1;
    if (object) {
        s->state = MCPT__S_MEMBER;
        s->kind |= 1u;
        if (s->depth == s->wanted) {
            unsigned below = mcpt__scan_below(s, s->row);
            if (below != 0) {                               /* else its members are as little of interest as any */
                s->first = (uint8_t)below;
                s->node = s->row;
                s->tracked = (uint8_t)(s->depth + 1);
                s->wanted = MCPT__NONE;
            }
        }
    }
    s->depth++;
    return p + 1;
}

/* The end of a container, or what may stand anywhere between values. */
static const char *mcpt__scan_close(mcpt_scan *s, const char *p, const char *end)
{
    if (s->state > MCPT__S_MEMBER || s->depth == 0 || (unsigned char)*p != ']' + ((s->kind & 1u) << 5)) {
        return mcpt__scan_space(s, p, end);                 /* '}' is ']' + 32 */
    }
    if (s->depth == s->tracked) {                           /* row node ends as any other value does */
        s->row = s->first = s->node;
        s->node = (uint8_t)(s->picks[s->node].tag >> 8);
        s->wanted = s->tracked = (uint8_t)(s->depth - 1);
        while (s->first > s->node + 1u && s->picks[s->first - 1u].tag >> 8 == s->node) {
            s->first--;                                     /* the rows of one parent adjoin */
        }
    }
    s->depth--;
    s->kind >>= 1;
    return mcpt__scan_ended(s, p + 1);
}

static const char *mcpt__scan_value(mcpt_scan *s, const char *p, const char *end)
{
    unsigned c = (unsigned char)*p;

    if (s->depth == s->wanted) {
        s->found[s->row].at = mcpt__scan_at(s, p);
    }
    s->sub = 0;
    if (c == '"') {
        s->state = MCPT__S_STRING;
    } else if (c == '{' || c == '[') {
        return mcpt__scan_open(s, p, c == '{');
    } else if (c == '-' || c - '0' <= 9u) {
        s->state = MCPT__S_NUMBER;
        s->sub = c == '-' ? MCPT__N_MINUS : c == '0' ? MCPT__N_ZERO : MCPT__N_INT;
    } else if (c == 't' || c == 'f' || c == 'n') {
        s->state = MCPT__S_WORD;
        s->sub = c == 't' ? 0 : c == 'f' ? 4 : 9;
    } else {
        return mcpt__scan_space(s, p, end);
    }
    return p + 1;
}

/* A byte, or two, between values. */
static const char *mcpt__scan_punct(mcpt_scan *s, const char *p, const char *end)
{
    unsigned state = s->state;

    if (state == MCPT__S_AFTER && *p == ',') {
        if (s->depth == 0) {
            return mcpt__scan_fail(s, MCPT_E_JSON, p);
        }
        state = (s->kind & 1u) != 0 ? MCPT__S_KEY : MCPT__S_VALUE;
        s->state = (uint8_t)state;
        p++;
        if (p == end) {
            return p;
        }
    }
    if (state == MCPT__S_VALUE || (state == MCPT__S_ITEM && *p != ']')) {
        return mcpt__scan_value(s, p, end);
    }
    if (*p == '"' && (state == MCPT__S_KEY || state == MCPT__S_MEMBER)) {
        s->state = MCPT__S_STRING;
        s->sub = 1;
        return p + 1;
    }
    if (state == MCPT__S_COLON && *p == ':') {
        s->state = MCPT__S_VALUE;
        return p + 1;
    }
    return mcpt__scan_close(s, p, end);
}

/* Keeps a piece of a key that may be picked. */
static void mcpt__scan_collect(mcpt_scan *s, const char *p, size_t n)
{
    if (s->sub == 0 || s->depth != s->tracked) {
        return;
    }
    if (s->keylen + n > sizeof(s->key)) {                   /* NONE + n too, unless n is 0 */
        s->keylen = MCPT__NONE;
    } else {
        MCPT_MEMCPY(s->key + s->keylen, p, n);
        s->keylen = (uint8_t)(s->keylen + n);
    }
}

/* A key has ended: is it that of a row below node? */
static bool mcpt__scan_match(mcpt_scan *s, const char *key, size_t len)
{
    size_t tag = ((size_t)s->node << 8) + len;              /* that of no row below node when len is more than 47 */
    const mcpt_pick *end = s->picks + s->npicks;
    const mcpt_pick *pick = s->picks + s->first;

    for (; pick < end && (pick->tag ^ tag) <= 0xff; pick++) {
        if (pick->tag == tag && MCPT_MEMCMP(pick->key, key, len) == 0) {
            uint32_t bit = (uint32_t)1 << (pick - s->picks);
            bool again = (s->seen & bit) != 0;
            s->seen |= bit;
            s->row = (uint8_t)(pick - s->picks);
            s->wanted = s->depth;
            return !again;
        }
    }
    return true;
}

/* The quote at q ends a string whose last piece began at p. */
static const char *mcpt__scan_quote(mcpt_scan *s, const char *p, const char *q, const char *end)
{
    if (s->sub == 0) {
        return mcpt__scan_ended(s, q + 1);
    }
    if (s->depth == s->tracked) {
        size_t len = (size_t)(q - p);
        if (s->keylen != 0) {                               /* the key came in pieces or with escapes */
            mcpt__scan_collect(s, p, len);
            p = s->key;
            len = s->keylen;
            s->keylen = 0;
        }
        if (!mcpt__scan_match(s, p, len)) {
            return mcpt__scan_fail(s, MCPT_E_DUPLICATE, q);
        }
    }
    s->state = MCPT__S_COLON;
    q++;
    if (q != end && *q == ':') {
        s->state = MCPT__S_VALUE;
        q++;
    }
    return q;
}

/* The rest of a string as far as it is there; p < end. */
static const char *mcpt__scan_string(mcpt_scan *s, const char *p, const char *end)
{
    const char *q = mcpt__plain(p, end);
    unsigned c;

    if (q != end && *q == '"') {
        return mcpt__scan_quote(s, p, q, end);
    }
    mcpt__scan_collect(s, p, (size_t)(q - p));
    if (q == end) {
        return q;
    }
    c = (unsigned char)*q;
    if (c == '\\') {
        s->state = MCPT__S_ESCAPE;
    } else {
        s->state = MCPT__S_UTF8;
        s->u = mcpt__utf8_lead(c);
        if (s->u == 0) {
            return mcpt__scan_fail(s, c < 0x20 ? MCPT_E_JSON : MCPT_E_UTF8, q);
        }
        mcpt__scan_collect(s, q, 1);
    }
    return q + 1;
}

static const char *mcpt__scan_utf8(mcpt_scan *s, const char *p)
{
    if (!mcpt__utf8_fits(s->u, (unsigned char)*p)) {
        return mcpt__scan_fail(s, MCPT_E_UTF8, p);
    }
    mcpt__scan_collect(s, p, 1);
    s->u = ((s->u & 0xffu) - 1u) | MCPT__UTF8_REST;
    if ((s->u & 0xffu) == 0) {
        s->state = MCPT__S_STRING;
    }
    return p + 1;
}

/* A character of at most U+10FFFF as UTF-8; answers its length. */
static size_t mcpt__utf8_put(char *out, uint32_t c)
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000u ? 3 : 4;
    size_t i;

    for (i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (c & 0x3fu));
        c >>= 6;
    }
    out[0] = (char)(c | (n == 1 ? 0 : (0xf00u >> n) & 0xf0u));
    return n;
}

/* What a one-letter escape stands for; 0: there is no such escape. */
static char mcpt__escape(char c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    size_t i = 0;

    while (from[i] != '\0' && from[i] != c) {
        i++;
    }
    return to[i];
}

/* The character of a surrogate pair, halves side by side. */
static uint32_t mcpt__pair(uint32_t u)
{
    return 0x10000u + (((u >> 16) & 0x3ffu) << 10) + (u & 0x3ffu);
}

/* One byte of an escape, the backslash being taken. */
static const char *mcpt__scan_escape(mcpt_scan *s, const char *p)
{
    unsigned step = s->state;
    int digit = mcpt__hex(*p);
    char out[4];

    s->state++;
    if (step == MCPT__S_ESCAPE) {
        s->u = 0;
        if (*p != 'u') {
            out[0] = mcpt__escape(*p);
            mcpt__scan_collect(s, out, 1);
            s->state = MCPT__S_STRING;
            return out[0] != '\0' ? p + 1 : mcpt__scan_fail(s, MCPT_E_JSON, p);
        }
        return p + 1;
    }
    if (step == MCPT__S_LOW || step == MCPT__S_LOW + 1) {
        return *p == (step == MCPT__S_LOW ? '\\' : 'u') ? p + 1 : mcpt__scan_fail(s, MCPT_E_UTF8, p);
    }
    if (digit < 0) {
        return mcpt__scan_fail(s, MCPT_E_JSON, p);
    }
    s->u = s->u << 4 | (uint32_t)digit;
    if ((step == MCPT__S_LOW + 2 && digit != 13) ||
        (step == MCPT__S_LOW + 3 ? (s->u & 0xfcu) != 0xdcu : step == MCPT__S_HEX + 1 && (s->u & 0xfcu) == 0xdcu)) {
        return mcpt__scan_fail(s, MCPT_E_UTF8, p);          /* a second half stands behind a first half only */
    }
    if (step == MCPT__S_LOW + 5 || (step == MCPT__S_HEX + 3 && s->u >> 10 != 0xd800u >> 10)) {
        s->state = MCPT__S_STRING;
        mcpt__scan_collect(s, out, mcpt__utf8_put(out, step == MCPT__S_HEX + 3 ? s->u : mcpt__pair(s->u)));
    }
    return p + 1;
}

/* The state of a number after byte c; END: c is no part of it. */
static unsigned mcpt__number_next(unsigned n, unsigned c)
{
    static const uint8_t digit[] = { MCPT__N_INT, MCPT__N_END, MCPT__N_INT, MCPT__N_FRAC, MCPT__N_FRAC, MCPT__N_EXP,
                                     MCPT__N_EXP, MCPT__N_EXP };
    if (c - '0' <= 9u) {
        return n == MCPT__N_MINUS && c == '0' ? (unsigned)MCPT__N_ZERO : digit[n];
    }
    if (n == MCPT__N_E) {
        return c == '+' || c == '-' ? MCPT__N_SIGN : MCPT__N_END;
    }
    if (n == MCPT__N_ZERO || n == MCPT__N_INT || n == MCPT__N_FRAC) {
        return (c | 0x20u) == 'e' ? MCPT__N_E : c == '.' && n <= MCPT__N_INT ? MCPT__N_DOT : MCPT__N_END;
    }
    return MCPT__N_END;
}

/* May a number end here? */
static bool mcpt__number_ok(unsigned n)
{
    return n == MCPT__N_ZERO || n == MCPT__N_INT || n == MCPT__N_FRAC || n == MCPT__N_EXP;
}

static const char *mcpt__scan_number(mcpt_scan *s, const char *p, const char *end)
{
    for (; p != end; p++) {
        unsigned next = mcpt__number_next(s->sub, (unsigned char)*p);
        if (next == MCPT__N_END) {
            return mcpt__number_ok(s->sub) ? mcpt__scan_ended(s, p) : mcpt__scan_fail(s, MCPT_E_JSON, p);
        }
        s->sub = (uint8_t)next;
    }
    return p;
}

static const char *mcpt__scan_word(mcpt_scan *s, const char *p)
{
    if (*p != mcpt__words[s->sub]) {
        return mcpt__scan_fail(s, MCPT_E_JSON, p);
    }
    s->sub++;
    return mcpt__words[s->sub] != '\0' ? p + 1 : mcpt__scan_ended(s, p + 1);
}

/* Inside a number, a word, a character or an escape. */
static const char *mcpt__scan_rest(mcpt_scan *s, const char *p, const char *end)
{
    switch (s->state) {
    case MCPT__S_NUMBER:
        return mcpt__scan_number(s, p, end);
    case MCPT__S_WORD:
        return mcpt__scan_word(s, p);
    case MCPT__S_UTF8:
        return mcpt__scan_utf8(s, p);
    default:
        return mcpt__scan_escape(s, p);
    }
}

MCPT_API void mcpt_scan_init(mcpt_scan *s, const mcpt_pick *picks, size_t npicks, mcpt_span *found)
{
    MCPT_ASSERT(npicks <= 32);
    MCPT_MEMSET(s, 0, sizeof(*s));
    s->picks = picks;
    s->found = found;
    s->npicks = (uint8_t)(npicks <= 32 ? npicks : 0);
    s->state = MCPT__S_VALUE;
    s->wanted = MCPT__NONE;
    if (s->npicks != 0) {
        s->wanted = 0;                                      /* row 0, the document */
        MCPT_MEMSET(found, 0, s->npicks * sizeof(*found));
    }
}

static bool mcpt__scan_done(const mcpt_scan *s)
{
    return s->state == MCPT__S_AFTER && s->depth == 0;
}

MCPT_API mcpt_err mcpt_scan_feed(mcpt_scan *s, const char *text, size_t len)
{
    const char *p = text;
    const char *end;

    if (len > UINT32_MAX - s->at) {
        (void)mcpt__scan_fail(s, s->err == MCPT_OK ? MCPT_E_LIMIT : s->err, p);
    }
    if (len == 0 || s->err != MCPT_OK) {
        return s->err != MCPT_OK ? s->err : mcpt__scan_done(s) ? MCPT_OK : MCPT_PENDING;
    }
    end = text + len;
    s->at -= (uint32_t)(uintptr_t)p;
    while (p != end) {
        if (s->state == MCPT__S_STRING) {
            p = mcpt__scan_string(s, p, end);
            if (p == end) {
                break;
            }
        }
        if (s->state < MCPT__S_STRING) {
            p = mcpt__scan_punct(s, p, end);
        } else if (s->state == MCPT__S_FAILED) {
            break;
        } else if (s->state != MCPT__S_STRING) {
            p = mcpt__scan_rest(s, p, end);
        }
    }
    s->at += (uint32_t)(uintptr_t)p;
    return s->err != MCPT_OK ? s->err : mcpt__scan_done(s) ? MCPT_OK : MCPT_PENDING;
}

MCPT_API mcpt_err mcpt_scan_end(mcpt_scan *s)
{
    if (s->state == MCPT__S_NUMBER && s->depth == 0 && mcpt__number_ok(s->sub)) {
        (void)mcpt__scan_ended(s, NULL);
    }
    if (!mcpt__scan_done(s) && s->err == MCPT_OK) {
        s->err = MCPT_E_JSON;
    }
    return s->err;
}

MCPT_API void mcpt_keep_init(mcpt_keep *k, const mcpt_pick *picks, size_t npicks, mcpt_span *found, void *buf, size_t cap)
{
    MCPT_MEMSET(k, 0, sizeof(*k));
    mcpt_scan_init(&k->scan, picks, npicks, found);
    k->buf = (char *)buf;
    k->cap = (uint32_t)cap;
    k->open = MCPT__NONE;
    for (unsigned i = 1; i < k->scan.npicks; i++) {
        k->due |= mcpt__scan_below(&k->scan, i) == 0 ? (uint32_t)1 << i : 0;
    }
}

/* Keeps n more bytes of a row's value; where there is no room, the row is dropped or the document refused. */
static void mcpt__keep_more(mcpt_keep *k, unsigned row, const char *p, size_t n)
{
    uint32_t bit = (uint32_t)1 << row;

    if ((k->dropped & bit) != 0) {
        return;
    }
    if (n <= k->cap - k->len) {
        MCPT_MEMCPY(k->buf + k->len, p, n);
        k->len += (uint32_t)n;
        return;
    }
    k->len = k->start;
    k->dropped |= bit;
    if ((k->optional & bit) == 0) {
        (void)mcpt__scan_fail(&k->scan, MCPT_E_SPACE, NULL);
    }
}

static void mcpt__keep_ended(mcpt_keep *k, unsigned row)
{
    uint32_t bit = (uint32_t)1 << row;

    k->scan.found[row].at = k->start;
    k->due &= ~bit;
    k->done |= bit & ~k->dropped;
}

MCPT_API mcpt_err mcpt_keep_feed(mcpt_keep *k, const char *text, size_t len)
{
    mcpt_scan *s = &k->scan;
    mcpt_span *found = s->found;
    uint32_t base = s->at;
    mcpt_err e = mcpt_scan_feed(s, text, len);

    if (len == 0 || e < 0) {
        return e;
    }
    if (k->open != MCPT__NONE) {                            /* a value that began in an earlier piece */
        bool ended = found[k->open].len != 0;
        mcpt__keep_more(k, k->open, text, ended ? found[k->open].at + found[k->open].len - base : len);
        if (ended) {
            mcpt__keep_ended(k, k->open);
            k->open = MCPT__NONE;
        }
    }
    for (unsigned i = 1; i < s->npicks; i++) {              /* those that began and ended in this one */
        if ((k->due >> i & 1u) != 0 && found[i].len != 0) {
            k->start = k->len;
            mcpt__keep_more(k, i, text + (found[i].at - base), found[i].len);
            mcpt__keep_ended(k, i);
        }
    }
    if (k->open == MCPT__NONE && s->wanted != MCPT__NONE && (k->due >> s->row & 1u) != 0 &&
        (s->depth != s->wanted || (s->state != MCPT__S_COLON && s->state != MCPT__S_VALUE))) {
        k->open = s->row;                                   /* and one that has only begun */
        k->start = k->len;
        mcpt__keep_more(k, s->row, text + (found[s->row].at - base), len - (found[s->row].at - base));
    }
    return s->err != MCPT_OK ? s->err : e;
}

MCPT_API mcpt_err mcpt_keep_end(mcpt_keep *k)
{
    return mcpt_scan_end(&k->scan);
}

MCPT_API mcpt_str mcpt_kept(const mcpt_keep *k, unsigned row)
{
    mcpt_span f = k->scan.found[row];

    return (k->done >> row & 1u) != 0 ? mcpt__mk(k->buf + f.at, f.len) : mcpt__mk(NULL, 0);
}

/* >>json-read: implementation -----------------------------------------------------------------------------
 * jsmn's tokens stand in the caller's memory. Two of their members find a second use once jsmn is done: parent
 * becomes the token behind the value and all that is in it, and size of a key is a scratch word. */
#ifdef JSMN_H
#error "jsmn.h is included already: put MCPTOOLS_IMPLEMENTATION into a file of its own, or before jsmn.h"
#endif
#undef JSMN_STRICT                    /* strict mode refuses valid documents; ours are checked before */
#undef JSMN_HEADER
#undef JSMN_STATIC
#undef JSMN_PARENT_LINKS
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
#include MCPT_JSMN_H
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#undef JSMN_STATIC
#undef JSMN_PARENT_LINKS

typedef char mcpt__tok_holds_jsmntok_t[sizeof(jsmntok_t) <= sizeof(mcpt_tok) ? 1 : -1];
typedef struct mcpt__tok_align {
    char c;
    jsmntok_t inner;
} mcpt__tok_align;
typedef char mcpt__tok_is_aligned[offsetof(mcpt__tok_align, inner) <= sizeof(int) ? 1 : -1];

static jsmntok_t *mcpt__toks(const mcpt_doc *d)
{
    return (jsmntok_t *)(void *)d->tok;
}

/* The token of a value; NULL: absent. */
static const jsmntok_t *mcpt__tok_of(mcpt_val v)
{
    return v.doc != NULL && v.doc->tok != NULL && v.at < v.doc->count ? mcpt__toks(v.doc) + v.at : NULL;
}

static mcpt_val mcpt__val(const mcpt_doc *d, uint32_t at)
{
    mcpt_val v;
    v.doc = d;
    v.at = at;
    return v;
}

/* The text of a token; strings without their quotes. */
static mcpt_str mcpt__tok_text(const mcpt_doc *d, const jsmntok_t *t)
{
    return mcpt__mk(d->text.ptr + t->start, (size_t)(t->end - t->start));
}

/* Decodes the escape at *p, a surrogate pair as one; answers the length in out, 0: it is broken. */
static size_t mcpt__unescape_one(const char **p, const char *end, char *out)
{
    const char *q = *p + 1;
    uint32_t u = 0;
    int i;

    if (q != end && *q != 'u') {
        *out = mcpt__escape(*q);
        *p = q + 1;
        return 1;
    }
    do {                                                    /* twice when the first is half of a pair */
        for (i = 1; i <= 4; i++) {
            int digit = end - q > i ? mcpt__hex(q[i]) : -1;
            if (digit < 0) {
                return 0;
            }
            u = u << 4 | (uint32_t)digit;
        }
        q += 6;
    } while (u >> 10 == 0xd800u >> 10);
    *p = q - 1;
    return mcpt__utf8_put(out, u > 0xffffu ? mcpt__pair(u) : u);
}

/* Reads the bytes a raw string stands for. */
typedef struct mcpt__chars {
    const char *p, *end;
    char out[4];
    uint8_t i, n;                     /* bytes of out taken, held */
    bool plain;                       /* a backslash stands for itself */
} mcpt__chars;

static int mcpt__chars_next(mcpt__chars *c)
{
    if (c->i == c->n) {
        if (c->p == c->end) {
            return -1;
        }
        if (*c->p != '\\' || c->plain) {
            return (unsigned char)*c->p++;
        }
        c->n = (uint8_t)mcpt__unescape_one(&c->p, c->end, c->out);
        c->i = 0;
        if (c->n == 0) {
            return -2;
        }
    }
    return (unsigned char)c->out[c->i++];
}

/* Orders a raw string (without quotes) and b, which is raw too or plain text, by what they stand for. One with a broken
 * escape is nothing's equal. */
static int mcpt__raw_order(mcpt_str a, mcpt_str b, bool plain)
{
    mcpt__chars x;
    mcpt__chars y;
    size_t n = a.len < b.len ? a.len : b.len;
    size_t i = 0;
    int c;
    int d;

    while (i < n && a.ptr[i] == b.ptr[i] && a.ptr[i] != '\\') {
        i++;
    }
    if (i == n) {
        return (a.len > n) - (b.len > n);
    }
    if (a.ptr[i] != '\\' && (plain || b.ptr[i] != '\\')) {
        return (unsigned char)a.ptr[i] - (unsigned char)b.ptr[i];
    }
    MCPT_MEMSET(&x, 0, sizeof(x));
    x.p = a.ptr + i;
    x.end = a.ptr + a.len;
    y = x;
    y.p = b.ptr + i;
    y.end = b.ptr + b.len;
    y.plain = plain;
    do {
        c = mcpt__chars_next(&x);
        d = mcpt__chars_next(&y);
    } while (c == d && c >= 0);
    return c - d;
}

/* Merges two ascending lists of keys, linked by size; *twice becomes the smallest end of a key of the second that
 * the first has too. Answers the head. */
static int mcpt__keys_merge(const mcpt_doc *d, int a, int b, int *twice)
{
    jsmntok_t *t = mcpt__toks(d);
    int head = -1;
    int *link = &head;

    while (a >= 0 && b >= 0) {
        int order = mcpt__raw_order(mcpt__tok_text(d, t + a), mcpt__tok_text(d, t + b), false);
        if (order == 0 && t[b].end < *twice) {
            *twice = t[b].end;
        }
        if (order <= 0) {
            *link = a;
            link = &t[a].size;
            a = *link;
        } else {
            *link = b;
            link = &t[b].size;
            b = *link;
        }
    }
    *link = a >= 0 ? a : b;
    return head;
}

/* Looks for a key that the object has twice: a merge sort, because a hostile object may have as many keys as there
 * are tokens. runs[i] holds an ascending run of 2^i keys. Answers the end of the first second key, or INT_MAX. */
static int mcpt__keys_twice(const mcpt_doc *d, int object)
{
    jsmntok_t *t = mcpt__toks(d);
    int runs[28];                                           /* 2^28 keys would not fit into 2 GiB of text */
    int twice = 0x7fffffff;
    int key = object + 1;
    int used = 0;
    int list = -1;

    for (int left = t[object].size; left > 0; left--) {
        int next = t[key + 1].parent;
        int i = 0;
        t[key].size = -1;
        while (i < used && runs[i] >= 0) {
            key = mcpt__keys_merge(d, runs[i], key, &twice);
            runs[i] = -1;
            i++;
        }
        runs[i] = key;
        used = i < used ? used : i + 1;
        key = next;
    }
    for (int i = 0; i < used; i++) {
        list = list < 0 ? runs[i] : runs[i] < 0 ? list : mcpt__keys_merge(d, runs[i], list, &twice);
    }
    return twice;
}

/* Indexes text that the scanner has accepted. */
static mcpt_err mcpt__index(mcpt_doc *d, mcpt_str text, mcpt_tok *tok, size_t ntok)
{
    jsmn_parser parser;
    jsmntok_t *t;
    int n;
    int twice = 0x7fffffff;

    MCPT_MEMSET(d, 0, sizeof(*d));
    if (text.len > 0x7fffffffu) {
        return MCPT_E_LIMIT;
    }
    d->text = text;
    d->tok = ntok != 0 ? tok : NULL;
    t = mcpt__toks(d);
    jsmn_init(&parser);
    n = t != NULL ? jsmn_parse(&parser, text.ptr, text.len, t, (unsigned)(ntok < 0x7fffffffu ? ntok : 0x7fffffffu)) :
        JSMN_ERROR_NOMEM;
    if (n == JSMN_ERROR_NOMEM) {
        d->tok = NULL;
        jsmn_init(&parser);
        d->count = (uint32_t)jsmn_parse(&parser, text.ptr, text.len, NULL, 0);
        return MCPT_E_TOKENS;
    }
    for (int i = n - 1; i >= 0; i--) {                      /* what is inside a value has been done before it */
        int next = i + 1;
        if (t[i].type == JSMN_OBJECT || t[i].type == JSMN_ARRAY) {
            int step = t[i].type == JSMN_OBJECT ? 1 : 0;    /* from a key to its value */
            for (int left = t[i].size; left > 0; left--) {
                next = t[next + step].parent;
            }
            if (step != 0 && t[i].size > 1) {
                int end = mcpt__keys_twice(d, i);
                twice = end < twice ? end : twice;
            }
        }
        t[i].parent = next;
    }
    if (n <= 0 || twice != 0x7fffffff) {
        d->tok = NULL;
        d->err_pos = n <= 0 ? 0 : (uint32_t)twice;
        return n <= 0 ? MCPT_E_JSON : MCPT_E_DUPLICATE;
    }
    d->count = (uint32_t)n;
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_parse(mcpt_doc *d, mcpt_str text, mcpt_tok *tok, size_t ntok)
{
    mcpt_scan s;
    mcpt_err e;

    mcpt_scan_init(&s, NULL, 0, NULL);
    e = mcpt_scan_feed(&s, text.ptr, text.len);
    if (e >= 0) {
        e = mcpt_scan_end(&s);
    }
    if (e >= 0) {
        return mcpt__index(d, text, tok, ntok);
    }
    MCPT_MEMSET(d, 0, sizeof(*d));
    d->err_pos = s.at;
    return e;
}

MCPT_API mcpt_val mcpt_root(const mcpt_doc *d)
{
    return mcpt__val(d->tok != NULL ? d : NULL, 0);
}

MCPT_API mcpt_type mcpt_typeof(mcpt_val v)
{
    const jsmntok_t *t = mcpt__tok_of(v);

    if (t == NULL) {
        return MCPT_ABSENT;
    }
    if (t->type == JSMN_STRING) {
        return MCPT_STRING;
    }
    switch (v.doc->text.ptr[t->start]) {
    case '{':
        return MCPT_OBJECT;
    case '[':
        return MCPT_ARRAY;
    case 'n':
        return MCPT_NULL;
    case 't':
    case 'f':
        return MCPT_BOOL;
    default:
        return MCPT_NUMBER;
    }
}

MCPT_API size_t mcpt_size(mcpt_val container)
{
    const jsmntok_t *t = mcpt__tok_of(container);

    return t != NULL ? (size_t)t->size : 0;                 /* 0 in all but containers and keys */
}

MCPT_API bool mcpt_next(mcpt_val container, mcpt_val *it, mcpt_str *key)
{
    const jsmntok_t *c = mcpt__tok_of(container);
    const jsmntok_t *t = mcpt__tok_of(*it);
    uint32_t at = t != NULL ? (uint32_t)t->parent : container.at + 1u;
    mcpt_str name = mcpt__mk(NULL, 0);

    *it = mcpt__val(NULL, 0);
    if (c == NULL || at >= (uint32_t)c->parent) {
        return false;
    }
    if (c->type == JSMN_OBJECT) {
        name = mcpt__tok_text(container.doc, mcpt__toks(container.doc) + at);
        at++;
    }
    if (key != NULL) {
        *key = name;
    }
    *it = mcpt__val(container.doc, at);
    return true;
}

/* The member with a key that is plain text, or raw. */
static MCPT__QUICK mcpt_val mcpt__val_find(mcpt_val object, mcpt_str key, bool plain)
{
    mcpt_val it = mcpt__val(NULL, 0);
    mcpt_str name;

    while (mcpt_next(object, &it, &name)) {
        if (name.ptr != NULL && mcpt__raw_order(name, key, plain) == 0) {
            break;
        }
    }
    return it;
}

MCPT_API mcpt_val mcpt_get_key(mcpt_val object, mcpt_str key)
{
    return mcpt__val_find(key.ptr != NULL ? object : mcpt__val(NULL, 0), key, true);
}

MCPT_API mcpt_val mcpt_get(mcpt_val object, const char *key)
{
    return mcpt_get_key(object, mcpt_z(key));
}

MCPT_API mcpt_val mcpt_at(mcpt_val array, size_t index)
{
    mcpt_val it = mcpt__val(NULL, 0);
    const jsmntok_t *t = mcpt__tok_of(array);

    if (t == NULL || t->type != JSMN_ARRAY || index >= (size_t)t->size) {
        return it;
    }
    if ((uint32_t)t->parent - array.at == (uint32_t)t->size + 1u) {
        return mcpt__val(array.doc, array.at + 1u + (uint32_t)index);   /* nothing nested: no need to walk */
    }
    do {
        (void)mcpt_next(array, &it, NULL);
    } while (index-- != 0);
    return it;
}

/* OK when v is of the wanted type; its text. */
static mcpt_err mcpt__want(mcpt_val v, mcpt_type wanted, mcpt_str *raw)
{
    mcpt_type type = mcpt_typeof(v);

    *raw = mcpt_raw(v);
    return type == wanted ? MCPT_OK : type == MCPT_ABSENT ? MCPT_E_ABSENT : MCPT_E_TYPE;
}

/* The exponent behind e, held within bounds that the digits of no text below 256 MiB can make up for. */
static int32_t mcpt__exponent(const char *p, const char *end)
{
    bool negative = p != end && *p == '-';
    int32_t v = 0;

    for (; p != end; p++) {
        if (mcpt__digit(*p) && v < 0x0a000000) {
            v = v * 10 + (*p - '0');
        }
    }
    return negative ? -v : v;
}

/* out = number * 10^decimals; answers fraction when that is no integer, E_RANGE when it does not fit. */
static mcpt_err mcpt__scaled(mcpt_str number, unsigned decimals, mcpt_err fraction, int64_t *out)
{
    const char *p = number.ptr;
    const char *end = p + number.len;
    const char *stop = p;                                   /* end of the digits */
    int32_t keep = (int32_t)decimals;                       /* digits before the point once scaled */
    bool whole = true;
    bool negative = *p == '-';
    bool fits = number.len < 0x10000000u && decimals <= 18;
    uint64_t v = 0;

    for (; stop != end && (*stop | 0x20) != 'e'; stop++) {
        whole = whole && *stop != '.';
        keep += mcpt__digit(*stop) && whole ? 1 : 0;
    }
    if (stop != end) {
        keep += mcpt__exponent(stop + 1, end);
    }
    while (fits && (p != stop || (keep > 0 && v != 0))) {
        char c = p != stop ? *p++ : '0';
        if (!mcpt__digit(c)) {
            continue;
        }
        if (keep > 0) {
            keep--;
            fits = v <= (uint64_t)INT64_MAX / 10u;
            v = v * 10u + (uint64_t)(c - '0');
        } else if (c != '0') {
            return fraction;
        }
    }
    if (!fits || v > (uint64_t)INT64_MAX + (negative ? 1u : 0u)) {
        return MCPT_E_RANGE;
    }
    *out = (int64_t)(negative ? 0u - v : v);
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_get_int(mcpt_val v, int64_t *out)
{
    mcpt_str raw;
    mcpt_err e = mcpt__want(v, MCPT_NUMBER, &raw);

    return e != MCPT_OK ? e : mcpt__scaled(raw, 0, MCPT_E_TYPE, out);
}

MCPT_API mcpt_err mcpt_get_fix(mcpt_val v, unsigned decimals, int64_t *out)
{
    mcpt_str raw;
    mcpt_err e = mcpt__want(v, MCPT_NUMBER, &raw);

    return e != MCPT_OK ? e : mcpt__scaled(raw, decimals, MCPT_E_RANGE, out);
}

#if !MCPT_NO_FLOAT
MCPT_API mcpt_err mcpt_get_f64(mcpt_val v, double *out)
{
    mcpt_str raw;
    mcpt_err e = mcpt__want(v, MCPT_NUMBER, &raw);

    return e != MCPT_OK || mcpt__f64_read(raw.ptr, raw.len, out) ? e : MCPT_E_RANGE;
}
#endif

MCPT_API mcpt_err mcpt_get_str(mcpt_val v, char *buf, size_t cap, mcpt_str *out)
{
    mcpt_str raw;
    mcpt_err e = mcpt__want(v, MCPT_STRING, &raw);

    if (e != MCPT_OK) {
        return e;
    }
    if (MCPT_MEMCHR(raw.ptr, '\\', raw.len) == NULL) {
        *out = mcpt__mk(raw.ptr + 1, raw.len - 2);
        return MCPT_OK;
    }
    raw.len = mcpt_unescape(raw, buf, cap);
    if (raw.len == (size_t)-1) {
        return MCPT_E_SPACE;
    }
    *out = mcpt__mk(buf, raw.len);
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_get_bool(mcpt_val v, bool *out)
{
    mcpt_str raw;
    mcpt_err e = mcpt__want(v, MCPT_BOOL, &raw);

    if (e == MCPT_OK) {
        *out = *raw.ptr == 't';
    }
    return e;
}

MCPT_API int64_t mcpt_int_or(mcpt_val v, int64_t fallback)
{
    (void)mcpt_get_int(v, &fallback);                       /* untouched unless OK */
    return fallback;
}

MCPT_API bool mcpt_bool_or(mcpt_val v, bool fallback)
{
    (void)mcpt_get_bool(v, &fallback);
    return fallback;
}

MCPT_API bool mcpt_val_is(mcpt_val v, const char *z)
{
    const jsmntok_t *t = mcpt__tok_of(v);

    return t != NULL && t->type == JSMN_STRING && z != NULL && mcpt__raw_order(mcpt__tok_text(v.doc, t), mcpt_z(z), true) == 0;
}

MCPT_API mcpt_str mcpt_raw(mcpt_val v)
{
    const jsmntok_t *t = mcpt__tok_of(v);
    mcpt_str s = mcpt__mk(NULL, 0);

    if (t != NULL) {
        s = mcpt__tok_text(v.doc, t);
        if (t->type == JSMN_STRING) {                       /* jsmn leaves the quotes out */
            s.ptr--;
            s.len += 2;
        }
    }
    return s;
}

MCPT_API size_t mcpt_unescape(mcpt_str raw, char *buf, size_t cap)
{
    const char *p = raw.ptr + 1;
    const char *end = raw.ptr + raw.len - 1;
    size_t len = 0;

    while (p != end) {
        const char *run = (const char *)MCPT_MEMCHR(p, '\\', (size_t)(end - p));
        char one[4];
        size_t n = (size_t)((run != NULL ? run : end) - p);
        const char *from = p;
        if (n != 0) {
            p += n;
        } else {
            n = mcpt__unescape_one(&p, end, one);
            from = one;
        }
        if (n > cap - len) {
            return (size_t)-1;
        }
        MCPT_MEMMOVE(buf + len, from, n);
        len += n;
    }
    return len;
}

/* -- strings of a checked array, unescaped where they stand: what is in its brackets ("" for anything else), the next one;
 * *other: an element that is no string was passed over. */
static mcpt_str mcpt__array(mcpt_str raw)
{
    return raw.len > 2 && raw.ptr[0] == '[' ? mcpt__mk(raw.ptr + 1, raw.len - 2) : mcpt__mk("", 0);
}

static bool mcpt__array_next(mcpt_str *inside, mcpt_str *out, bool *other)
{
    char *p = (char *)(uintptr_t)inside->ptr, *end = p + inside->len;
    unsigned depth = 0;

    for (; p != end; p++) {
        if (*p == '"') {
            char *q = p + 1;
            while (*q != '"') {
                q += *q == '\\' ? 2 : 1;
            }
            if (depth == 0) {
                *out = mcpt__mk(p, mcpt_unescape(mcpt__mk(p, (size_t)(q + 1 - p)), p, (size_t)(q + 1 - p)));
                *inside = mcpt__mk(q + 1, (size_t)(end - q) - 1);
                return true;
            }
            p = q;
        } else if (*p != ',' && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') {
            *other = true;
            depth += *p == '[' || *p == '{' ? 1u : 0u;
            depth -= *p == ']' || *p == '}' ? 1u : 0u;
        }
    }
    return false;
}

/* >>http: implementation -------------------------------------------------------------------------------- */
#if !MCPT_NO_HTTP
#if MCPT_MAX_FIELDS > 255
#error "MCPT_MAX_FIELDS is at most 255"
#endif

/* How many bytes from p on are no ASCII control (0x00-0x1f, 0x7f); bytes from 0x80 on are none. */
static inline size_t mcpt__clean(const char *p, size_t n)
{
    size_t i = 0;
#if MCPT__LANES
    for (; n - i >= MCPT__LANES; i += MCPT__LANES) {
        unsigned hit = MCPT__HITS((mcpt__lanes)((mcpt__lanes_mod)mcpt__lanes_load(p + i) + (unsigned char)1) < (signed char)0x21);
        if (hit != 0) {
            i += (unsigned)__builtin_ctz(hit);
            if ((signed char)p[i] >= 0) {
                return i;
            }
            i -= MCPT__LANES - 1u;                          /* not ASCII: on behind it */
        }
    }
#elif MCPT__WORDS
    while (n - i >= sizeof(size_t)) {
        size_t w = mcpt__load(p + i);
        if ((((w + MCPT__REP(0x01u)) | (w - MCPT__REP(0x20u))) & MCPT__REP(0x80u)) != 0) {
            size_t low = w & MCPT__REP(0x7fu);              /* a control, or not ASCII: 7-bit lanes tell */
            size_t hit = ((low + MCPT__REP(0x01u)) | ~(low + MCPT__REP(0x60u))) & ~w & MCPT__REP(0x80u);
            if (hit != 0) {
#if MCPT__CTZ
                return i + ((unsigned)__builtin_ctzll(hit) >> 3);
#else
                break;
#endif
            }
        }
        i += sizeof(size_t);
    }
#endif
    while (i < n) {
        unsigned c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f) {
            break;
        }
        i++;
    }
    return i;
}

/* What a request target may hold: visible ASCII without "#<>\ (browsers leave the rest of RFC 3986's
 * forbidden characters as they are in queries). */
static const uint32_t mcpt__set_target[4] = { 0, 0xaffffff2u, 0xefffffffu, 0x7fffffffu };

enum { MCPT__HEAD_START, MCPT__HEAD_BLANK, MCPT__HEAD_DONE, MCPT__HEAD_BAD };   /* mcpt_head.state */
enum { MCPT__HEAD_RESPONSE = 1, MCPT__HEAD_KEEP = 2 };      /* mcpt_head.bits */

/* A second one of these would let two programs read two different messages. */
#define MCPT__BIT(field) (1u << MCPT_F_##field)
#define MCPT__HEAD_SINGLE (MCPT__BIT(HOST) | MCPT__BIT(ORIGIN) | MCPT__BIT(EXPECT) | \
    MCPT__BIT(CONTENT_TYPE) | MCPT__BIT(CONTENT_LENGTH) | MCPT__BIT(TRANSFER_ENCODING) | \
    MCPT__BIT(AUTHORIZATION) | MCPT__BIT(LAST_EVENT_ID) | MCPT__BIT(MCP_SESSION_ID) | \
    MCPT__BIT(MCP_PROTOCOL_VERSION) | MCPT__BIT(MCP_METHOD) | MCPT__BIT(MCP_NAME))

static mcpt_span mcpt__span(size_t at, size_t len)
{
    mcpt_span s;
    s.at = (uint32_t)at;
    s.len = (uint32_t)len;
    return s;
}

static bool mcpt__ows(char c)
{
    return c == ' ' || c == '\t';
}

/* A Content-Type without its parameters. */
static mcpt_str mcpt__media_type(mcpt_str field)
{
    size_t n = 0;

    while (n < field.len && field.ptr[n] != ';' && !mcpt__ows(field.ptr[n])) {
        n++;
    }
    return mcpt__mk(field.ptr, n);
}

/* Is a value this text of lower-case letters, digits, '-', ':' and '/', whatever its case? */
static bool mcpt__is(mcpt_str s, const char *lower)
{
    return s.len == MCPT_STRLEN(lower) && mcpt__word_is(s.ptr, s.len, lower, 0x20);
}

/* Where each name starts in the packed text of all. */
#define MCPT_X(name, text) MCPT__AT_##name, MCPT__LAST_##name = MCPT__AT_##name + (int)sizeof(text) - 2,
enum { MCPT_FIELDS(MCPT_X) MCPT__AT_END };
#undef MCPT_X

/* The row of a field name, or NO_WORD. */
static MCPT__QUICK unsigned mcpt__field_find(const char *p, size_t n)
{
    static const uint8_t rows[] = {
        MCPT_F_HOST, MCPT_F_ORIGIN, MCPT_F_ORIGIN, MCPT_F_MCP_NAME, MCPT_F_MCP_NAME, MCPT_F_CONNECTION, MCPT_F_CONNECTION,
        MCPT_F_RETRY_AFTER, MCPT_F_CONTENT_TYPE, MCPT_F_AUTHORIZATION, MCPT_F_CONTENT_LENGTH, MCPT_F_CONTENT_ENCODING,
        MCPT_F_CONTENT_ENCODING, MCPT_F_TRANSFER_ENCODING, MCPT_F_MCP_PROTOCOL_VERSION, MCPT_F_MCP_PROTOCOL_VERSION,
        MCPT_F_MCP_PROTOCOL_VERSION, MCPT_F_COUNT,
#define MCPT_X(name, text) MCPT__AT_##name,
        MCPT_FIELDS(MCPT_X) MCPT__AT_END
#undef MCPT_X
    };
#define MCPT_X(name, text) text
    static const char names[] = MCPT_FIELDS(MCPT_X);
#undef MCPT_X
    return mcpt__word_find(names, rows, p, n, 0x20);
}

/* Splits a field line at its colon; the name is a token, the value loses the white space around it. */
static MCPT__QUICK bool mcpt__field_split(const char *p, const char *end, mcpt_str *name, mcpt_str *value)
{
    const char *colon = p + mcpt__take_set(mcpt__set_token, p, (size_t)(end - p));
    if (colon == p || colon == end || *colon != ':') {
        return false;
    }
    *name = mcpt__mk(p, (size_t)(colon - p));
    do {
        colon++;
    } while (colon != end && mcpt__ows(*colon));
    while (end != colon && mcpt__ows(end[-1])) {
        end--;
    }
    *value = mcpt__mk(colon, (size_t)(end - colon));
    return true;
}

/* Takes the next element off a list: its first word, and whether its weight is zero. */
static bool mcpt__list_next(mcpt_str *list, mcpt_str *word, bool *zero)
{
    const char *p = list->ptr;
    const char *end = p;
    const char *start;
    if (list->len != 0) {                                   /* NULL + 0 is undefined in C */
        end = p + list->len;
    }
    while (p != end && (*p == ',' || mcpt__ows(*p))) {
        p++;
    }
    start = p;
    while (p != end && *p != ',' && *p != ';' && !mcpt__ows(*p)) {
        p++;
    }
    *word = mcpt__mk(start, (size_t)(p - start));
    *zero = false;
    while (p != end && *p != ',') {                         /* a comma in quotes separates nothing */
        char c = *p++;
        while (p != end && (c == ';' ? mcpt__ows(*p) : c == '"' && *p != '"')) {
            p += *p == '\\' && end - p > 1 ? 2 : 1;
        }
        if (c == '"' && p != end) {
            p++;
        } else if (c == ';' && end - p > 2 && (*p | 0x20) == 'q' && p[1] == '=' && p[2] == '0') {
            for (p += 3; p != end && (*p == '0' || *p == '.'); p++) {
            }
            *zero = p == end || *p == ';' || *p == ',' || mcpt__ows(*p);
        }
    }
    *list = mcpt__mk(p, (size_t)(end - p));
    return start != p;
}

/* The functions below answer 0 or the status to refuse the head with. */

static unsigned mcpt__head_version(mcpt_head *h, const char *p, size_t n)
{
    if (n != 8 || p[6] != '.' || MCPT_MEMCMP(p, "HTTP/", 5) != 0 ||
        !mcpt__digit(p[5]) || !mcpt__digit(p[7])) {
        return 400;
    }
    h->minor = (uint8_t)(p[7] - '0');
    return p[5] == '1' && h->minor < 2 ? 0 : 505;
}

static unsigned mcpt__head_target(mcpt_head *h, const char *buf)
{
    const char *p = buf + h->target.at;
    size_t n = h->target.len, start, i;
    mcpt_str host;
    uint16_t port;
    if (p[0] == '/') {
        return 0;
    }
    if (p[0] == '*') {
        return n == 1 && mcpt_str_is(mcpt__cut(buf, h->method), "OPTIONS") ? 0 : 400;
    }
    start = n > 7 && p[4] == ':' ? 7 : 8;
    if (n <= start || !mcpt__word_is(p, start, start == 7 ? "http://" : "https://", 0x20)) {
        return 400;
    }
    for (i = start; i < n && p[i] != '/' && p[i] != '?'; i++) {
    }
    if (!mcpt_authority_split(mcpt__mk(p + start, i - start), &host, &port)) {
        return 400;
    }
    h->authority = mcpt__span(h->target.at + start, i - start);
    h->target = i < n ? mcpt__span(h->target.at + i, n - i) : mcpt__span(h->target.at + start - 1, 1);
    return 0;                                               /* no path means "/": that before the host */
}

static unsigned mcpt__head_request(mcpt_head *h, const char *buf, size_t end)
{
    size_t at = h->at, n = mcpt__take_set(mcpt__set_token, buf + at, end - at);
    unsigned status;
    h->method = mcpt__span(at, n);
    at += n;
    if (n == 0 || at == end || buf[at++] != ' ') {
        return 400;
    }
    n = mcpt__take_set(mcpt__set_target, buf + at, end - at);
    h->target = mcpt__span(at, n);
    at += n;
    if (n == 0 || at == end || buf[at++] != ' ') {
        return 400;
    }
    status = mcpt__head_version(h, buf + at, end - at);
    return status != 0 ? status : mcpt__head_target(h, buf);
}

static unsigned mcpt__head_response(mcpt_head *h, const char *buf, size_t end)
{
    const char *p = buf + h->at;
    size_t n = end - h->at;
    uint32_t status;
    if (n < 12 || mcpt__head_version(h, p, 8) != 0 || p[8] != ' ' || (n > 12 && p[12] != ' ') ||
        mcpt__decimal(p + 9, p + 12, 999, &status) != p + 12 || status < 100) {
        return 400;
    }
    h->status = (uint16_t)status;
    return 0;
}

static unsigned mcpt__head_length(mcpt_head *h, mcpt_str v)
{
    if (v.len == 0 || v.len > 19) {                         /* 19 digits always fit in 64 bits */
        return 400;
    }
    for (size_t i = 0; i < v.len; i++) {
        if (!mcpt__digit(v.ptr[i])) {
            return 400;
        }
        h->length = h->length * 10u + (uint64_t)(v.ptr[i] - '0');
    }
    h->flags |= MCPT_HEAD_LENGTH;
    return 0;
}

/* What a field means for the message itself. */
static unsigned mcpt__head_known(mcpt_head *h, unsigned field, mcpt_str v)
{
    mcpt_str host;                                          /* or an element of a list */
    uint16_t port;
    bool zero;
    switch (field) {
    case MCPT_F_HOST:
        return (h->bits & MCPT__HEAD_RESPONSE) != 0 || mcpt_authority_split(v, &host, &port) ? 0 : 400;
    case MCPT_F_CONTENT_LENGTH:
        return mcpt__head_length(h, v);
    case MCPT_F_TRANSFER_ENCODING:
        if (h->minor == 0) {
            return 400;
        }
        h->flags |= MCPT_HEAD_CHUNKED;
        return mcpt__is(v, "chunked") ? 0 : 501;
    case MCPT_F_CONNECTION:
        if (mcpt__is(v, "keep-alive")) {                    /* alone, as nearly everybody sends it */
            h->bits |= MCPT__HEAD_KEEP;
            return 0;
        }
        while (mcpt__list_next(&v, &host, &zero)) {
            if (mcpt__is(host, "close")) {
                h->flags |= MCPT_HEAD_CLOSE;
            } else if (mcpt__is(host, "keep-alive")) {
                h->bits |= MCPT__HEAD_KEEP;
            }
        }
        return 0;
    case MCPT_F_EXPECT:
        if ((h->bits & MCPT__HEAD_RESPONSE) != 0 || h->minor == 0) {
            return 0;                                       /* RFC 9110 section 10.1.1: 1.0 cannot mean it */
        }
        h->flags |= MCPT_HEAD_CONTINUE;
        return mcpt__is(v, "100-continue") ? 0 : 417;
    default:
        return 0;
    }
}

static unsigned mcpt__head_field(mcpt_head *h, const char *buf, size_t end)
{
    mcpt_str name, value;
    unsigned f;
    uint32_t bit;
    if (h->fields == MCPT_MAX_FIELDS) {
        return 431;
    }
    h->fields++;
    if (!mcpt__field_split(buf + h->at, buf + end, &name, &value)) {
        return 400;
    }
    f = mcpt__field_find(name.ptr, name.len);
    if (f == MCPT__NO_WORD) {
        if (name.len > 10 && mcpt__word_is(name.ptr, 10, "mcp-param-", 0x20)) {
            h->flags |= MCPT_HEAD_PARAMS;
        }
        return 0;
    }
    bit = (uint32_t)1 << f;
    if ((h->seen & bit) == 0) {
        h->seen |= bit;
        h->field[f] = mcpt__span((size_t)(value.ptr - buf), value.len);
    } else if ((MCPT__HEAD_SINGLE & bit) != 0) {
        return 400;
    } else {
        h->twice |= bit;
    }
    return mcpt__head_known(h, f, value);
}

/* The empty line: what only the whole head can tell. */
static unsigned mcpt__head_end(mcpt_head *h)
{
    const unsigned both = MCPT_HEAD_CHUNKED | MCPT_HEAD_LENGTH;
    if ((h->flags & both) == both) {
        return 400;
    }
    if (h->minor == 0) {
        if ((h->bits & MCPT__HEAD_KEEP) == 0) {
            h->flags |= MCPT_HEAD_CLOSE;
        }
    } else if ((h->bits & MCPT__HEAD_RESPONSE) == 0 && (h->seen & MCPT__BIT(HOST)) == 0) {
        return 400;
    }
    h->state = MCPT__HEAD_DONE;
    return 0;
}

/* One line, buf[h->at..end). */
static unsigned mcpt__head_line(mcpt_head *h, const char *buf, size_t end)
{
    unsigned status;
    if (h->line) {
        return end == h->at ? mcpt__head_end(h) : mcpt__head_field(h, buf, end);
    }
    if ((h->bits & MCPT__HEAD_RESPONSE) != 0) {
        status = mcpt__head_response(h, buf, end);
    } else if (end == h->at && h->state == MCPT__HEAD_START) {
        h->state = MCPT__HEAD_BLANK;                        /* RFC 9112 section 2.2: rest of a body before */
        return 0;
    } else {
        status = mcpt__head_request(h, buf, end);
    }
    h->first = (uint32_t)end + 2u;
    h->line = status == 0;
    return status;
}

MCPT_API void mcpt_head_init(mcpt_head *h, bool response)
{
    MCPT_MEMSET(h, 0, sizeof(*h));
    h->bits = response ? MCPT__HEAD_RESPONSE : 0;
}

MCPT_API mcpt_err mcpt_head_parse(mcpt_head *h, const char *buf, size_t len)
{
    if (len >> 31 != 0) {                                   /* spans are 32 bits wide */
        len = 0x7fffffff;
    }
    while (h->state < MCPT__HEAD_DONE) {                    /* a round a line, or a tab in a line */
        size_t i = h->scan;
        unsigned status = 400;                              /* NUL, LF alone, CR alone, every other control */
        if (i >= len) {
            return MCPT_PENDING;
        }
        i += mcpt__clean(buf + i, len - i);
        h->scan = (uint32_t)i;
        if (len - i > 1 && buf[i] == '\r' && buf[i + 1] == '\n') {
            status = mcpt__head_line(h, buf, i);
            if (status == 0) {
                h->at = h->scan = (uint32_t)i + 2u;
                continue;
            }
        } else if (i == len || (buf[i] == '\r' && i + 1 == len)) {
            return MCPT_PENDING;
        } else if (buf[i] == '\t') {
            h->scan++;
            continue;
        }
        h->state = MCPT__HEAD_BAD;
        h->status = (h->bits & MCPT__HEAD_RESPONSE) != 0 ? (uint16_t)0 : (uint16_t)status;
    }
    return h->state == MCPT__HEAD_DONE ? MCPT_OK : MCPT_E_HTTP;
}

MCPT_API bool mcpt_head_next(const mcpt_head *h, const char *buf, uint32_t *it, mcpt_str *name, mcpt_str *value)
{
    uint32_t at = *it == 0 ? h->first : *it, end = at;
    if (h->state != MCPT__HEAD_DONE || at + 2 >= h->at) {   /* the last two bytes are the empty line */
        return false;
    }
    while (buf[end] != '\r') {                              /* each line of a complete head has one */
        end += buf[end] == '\t' ? 1u : (uint32_t)mcpt__clean(buf + end, h->at - end);
    }
    *it = end + 2;
    return mcpt__field_split(buf + at, buf + end, name, value);  /* false cannot be, unless buf is another head */
}

MCPT_API mcpt_str mcpt_head_get(const mcpt_head *h, const char *buf, mcpt_field f)
{
    return (h->seen >> f & 1u) != 0 ? mcpt__cut(buf, h->field[f]) : mcpt__mk(NULL, 0);
}

MCPT_API bool mcpt_list_has(mcpt_str value, const char *token)
{
    mcpt_str word;
    bool zero;
    while (mcpt__list_next(&value, &word, &zero)) {
        if (!zero && mcpt_str_ieq(word, token)) {
            return true;
        }
    }
    return false;
}

/* How closely a media range names a media type: 0 (not), 1 (any), 2 (all of its type), 3 (itself). */
static unsigned mcpt__accept_rank(mcpt_str range, const char *media)
{
    size_t n = range.len - 1;
    if (mcpt_str_ieq(range, media)) {
        return 3;
    }
    if (range.len < 3 || range.ptr[n] != '*' || range.ptr[n - 1] != '/') {
        return 0;
    }
    return n == 2 && range.ptr[0] == '*' ? 1 : MCPT_STRLEN(media) > n && mcpt__word_is(range.ptr, n, media, 0x20) ? 2 : 0;
}

/* Carries twice the best rank found so far, plus 1 when it admits, from one Accept field to the next. */
static unsigned mcpt__accept_more(unsigned best, mcpt_str accept, const char *media)
{
    mcpt_str range;
    bool zero;
    while (mcpt__list_next(&accept, &range, &zero)) {
        unsigned rank = mcpt__accept_rank(range, media) * 2u;
        if (rank != 0 && (rank > best || (rank == best && !zero))) {
            best = rank + (zero ? 0u : 1u);
        }
    }
    return best;
}

MCPT_API bool mcpt_accepts(mcpt_str accept, const char *media)
{
    return (mcpt__accept_more(0, accept, media) & 1u) != 0;
}

MCPT_API bool mcpt_head_accepts(const mcpt_head *h, const char *buf, const char *media)
{
    unsigned best = mcpt__accept_more(0, mcpt_head_get(h, buf, MCPT_F_ACCEPT), media);
    uint32_t it = 0;
    mcpt_str name, value;
    while ((h->twice & MCPT__BIT(ACCEPT)) != 0 && mcpt_head_next(h, buf, &it, &name, &value)) {
        if (mcpt_str_ieq(name, "accept")) {                 /* the first one again changes nothing */
            best = mcpt__accept_more(best, value, media);
        }
    }
    return (best & 1u) != 0;
}

/* The states up to LAST_LINE read a line whose length is limited. */
enum {
    MCPT__CHUNK_SIZE, MCPT__CHUNK_SPACE, MCPT__CHUNK_EXT, MCPT__CHUNK_NAME, MCPT__CHUNK_VALUE,
    MCPT__CHUNK_LAST_LINE = MCPT__CHUNK_VALUE,
    MCPT__CHUNK_SIZE_LF, MCPT__CHUNK_DATA, MCPT__CHUNK_DATA_CR, MCPT__CHUNK_DATA_LF, MCPT__CHUNK_TRAILER,
    MCPT__CHUNK_TRAILER_LF, MCPT__CHUNK_END_LF, MCPT__CHUNK_DONE, MCPT__CHUNK_BAD
};

/* A byte of text up to CR; answers the next state. */
static unsigned mcpt__chunk_text(char ch, unsigned same, unsigned end)
{
    return ch == '\r' ? end : ch == '\t' || mcpt__clean(&ch, 1) != 0 ? same : (unsigned)MCPT__CHUNK_BAD;
}

/* A byte of the line with a chunk's size; answers the next state. */
static unsigned mcpt__chunk_size(mcpt_chunked *c, char ch)
{
    int v = mcpt__hex(ch);
    if (c->state == MCPT__CHUNK_SIZE && v >= 0) {
        if (c->count == 16 || c->left >> 28 != 0) {
            return MCPT__CHUNK_BAD;
        }
        c->left = c->left << 4 | (uint32_t)v;
        c->count++;
        return MCPT__CHUNK_SIZE;
    }
    if (c->count == 0) {
        return MCPT__CHUNK_BAD;
    }
    if (c->state == MCPT__CHUNK_EXT) {                      /* only where extensions end counts */
        return mcpt__chunk_text(ch, MCPT__CHUNK_EXT, MCPT__CHUNK_SIZE_LF);
    }
    if (ch == ';') {
        return MCPT__CHUNK_EXT;
    }
    if (mcpt__ows(ch)) {                                    /* RFC 9112 section 7.1.1: before the ';' only */
        return MCPT__CHUNK_SPACE;
    }
    return ch == '\r' && c->state == MCPT__CHUNK_SIZE ? MCPT__CHUNK_SIZE_LF : MCPT__CHUNK_BAD;
}

/* A byte of the trailers; answers the next state. */
static unsigned mcpt__chunk_trailer(mcpt_chunked *c, char ch)
{
    if (c->state == MCPT__CHUNK_VALUE) {
        return mcpt__chunk_text(ch, MCPT__CHUNK_VALUE, MCPT__CHUNK_TRAILER_LF);
    }
    if (c->state == MCPT__CHUNK_TRAILER) {
        if (ch == '\r') {
            return MCPT__CHUNK_END_LF;
        }
        c->line = 1;
        return ++c->count <= 16 && mcpt__in(mcpt__set_token, ch) ? MCPT__CHUNK_NAME : MCPT__CHUNK_BAD;
    }
    return ch == ':' ? MCPT__CHUNK_VALUE : mcpt__in(mcpt__set_token, ch) ? MCPT__CHUNK_NAME : MCPT__CHUNK_BAD;
}

/* Any byte that is no data; answers the next state. */
static unsigned mcpt__chunk_step(mcpt_chunked *c, char ch)
{
    unsigned next = MCPT__CHUNK_DONE;
    if (c->state <= MCPT__CHUNK_LAST_LINE && ch != '\r' && ++c->line > 256) {
        return MCPT__CHUNK_BAD;
    }
    switch (c->state) {
    case MCPT__CHUNK_SIZE_LF:
        c->count = 0;
        c->line = 0;
        next = c->left != 0 ? MCPT__CHUNK_DATA : MCPT__CHUNK_TRAILER;
        break;
    case MCPT__CHUNK_DATA_CR:
        return ch == '\r' ? MCPT__CHUNK_DATA_LF : MCPT__CHUNK_BAD;
    case MCPT__CHUNK_DATA_LF:
        next = MCPT__CHUNK_SIZE;
        break;
    case MCPT__CHUNK_TRAILER_LF:
        next = MCPT__CHUNK_TRAILER;
        break;
    case MCPT__CHUNK_END_LF:
        break;
    case MCPT__CHUNK_NAME:
    case MCPT__CHUNK_VALUE:
    case MCPT__CHUNK_TRAILER:
        return mcpt__chunk_trailer(c, ch);
    default:
        return mcpt__chunk_size(c, ch);
    }
    return ch == '\n' ? next : (unsigned)MCPT__CHUNK_BAD;
}

MCPT_API mcpt_err mcpt_chunked_decode(mcpt_chunked *c, char *buf, size_t *len, size_t *used)
{
    size_t n = *len, at = 0, out = 0;
    while (at < n && c->state < MCPT__CHUNK_DONE) {
        if (c->state == MCPT__CHUNK_DATA) {
            size_t take = n - at < c->left ? n - at : c->left;
            MCPT_MEMMOVE(buf + out, buf + at, take);
            out += take;
            at += take;
            c->left -= (uint32_t)take;
            if (c->left == 0) {
                c->state = MCPT__CHUNK_DATA_CR;
            }
        } else {
            c->state = (uint8_t)mcpt__chunk_step(c, buf[at]);
            at += c->state != MCPT__CHUNK_BAD ? 1u : 0u;
        }
    }
    *len = out;
    *used = at;
    return c->state == MCPT__CHUNK_DONE ? MCPT_OK : c->state == MCPT__CHUNK_BAD ? MCPT_E_HTTP : MCPT_PENDING;
}

MCPT_API const char *mcpt_reason(unsigned status)
{
#if MCPT_NO_STRERROR
    (void)status;
    return "";
#else
    /* Packed, and without pointers, which would need relocation. */
    static const char rows[] =
        "200OK\0" "202Accepted\0" "100Continue\0" "204No Content\0"
        "400Bad Request\0" "401Unauthorized\0" "403Forbidden\0" "404Not Found\0" "405Method Not Allowed\0"
        "406Not Acceptable\0" "408Request Timeout\0" "409Conflict\0" "411Length Required\0"
        "413Content Too Large\0" "414URI Too Long\0" "415Unsupported Media Type\0" "417Expectation Failed\0"
        "431Request Header Fields Too Large\0"
        "500Internal Server Error\0" "501Not Implemented\0" "503Service Unavailable\0"
        "505HTTP Version Not Supported\0" "507Insufficient Storage\0";
    const char *r = rows;
    uint32_t row;
    while (*r != '\0') {
        (void)mcpt__decimal(r, r + 3, 999, &row);
        if (row == status) {
            return r + 3;
        }
        r += MCPT_STRLEN(r) + 1;
    }
    return r;
#endif
}
#endif /* !MCPT_NO_HTTP */

/* >>sse: implementation --------------------------------------------------------------------------------- */
#if !MCPT_NO_HTTP
enum {                                                      /* mcpt_sse.state */
    MCPT__SSE_BOM1, MCPT__SSE_BOM2, MCPT__SSE_BOM3, MCPT__SSE_START, MCPT__SSE_NAME, MCPT__SSE_COLON,
    MCPT__SSE_VALUE
};
enum { MCPT__SSE_OTHER, MCPT__SSE_DATA, MCPT__SSE_EVENT, MCPT__SSE_ID, MCPT__SSE_RETRY }; /* .field */
enum {                                                      /* mcpt_sse.flags */
    MCPT__SSE_CR = 1,                                       /* the line ended with CR: an LF belongs to it */
    MCPT__SSE_BAD = 2,                                      /* the value being read does not count */
    MCPT__SSE_HAS_DATA = 4, MCPT__SSE_HAS_ID = 8,           /* the event has a data line, an id */
    MCPT__SSE_SKIP = 16,                                    /* the event is of another type than message */
    MCPT__SSE_OVER = 32,                                    /* data of a skipped event did not fit */
    MCPT__SSE_GIVEN = 64,                                   /* buf still holds the event handed out */
    MCPT__SSE_TAKEN = 128                                   /* a piece of the event was handed out */
};

MCPT_API void mcpt_sse_init(mcpt_sse *s, void *buf, size_t cap, char *id, size_t id_cap)
{
    MCPT_MEMSET(s, 0, sizeof(*s));
    s->buf = (char *)buf;
    s->cap = cap;
    s->id = id;
    s->id_cap = id_cap;
    s->retry = (uint32_t)-1;
}

static void mcpt__sse_data(mcpt_sse *s, const char *p, size_t n)
{
    if ((s->flags & MCPT__SSE_OVER) != 0) {
        return;
    }
    if (n <= s->cap - s->len) {
        MCPT_MEMCPY(s->buf + s->len, p, n);
        s->len += n;
    } else if ((s->flags & MCPT__SSE_SKIP) != 0) {          /* an event nobody will see may be of any size */
        s->flags |= MCPT__SSE_OVER;
    } else {
        s->err = MCPT_E_SPACE;
    }
}

static void mcpt__sse_id(mcpt_sse *s, const char *p, size_t n)
{
    size_t at = s->id_len + s->id_new + s->id_line;         /* behind the last id and that of this event */
    if (MCPT_MEMCHR(p, 0, n) != NULL) {
        s->flags |= MCPT__SSE_BAD;
    }
    if ((s->flags & MCPT__SSE_BAD) == 0) {
        if (n > s->id_cap - at) {
            s->err = MCPT_E_SPACE;
            return;
        }
        MCPT_MEMCPY(s->id + at, p, n);
        s->id_line += n;
    }
}

/* A piece of a value, not empty. */
static void mcpt__sse_value(mcpt_sse *s, const char *p, size_t n)
{
    static const char message[] = "message";
    if (s->field == MCPT__SSE_DATA) {
        mcpt__sse_data(s, p, n);
    } else if (s->field == MCPT__SSE_ID) {
        mcpt__sse_id(s, p, n);
    } else if (s->field == MCPT__SSE_EVENT) {
        for (size_t i = 0; i < n && (s->flags & MCPT__SSE_BAD) == 0; i++) {
            if (p[i] == message[s->pos] && s->pos < sizeof(message) - 1) {
                s->pos++;
            } else {
                s->flags |= MCPT__SSE_BAD;
            }
        }
    } else if (s->field == MCPT__SSE_RETRY) {
        for (size_t i = 0; i < n; i++) {
            uint32_t d = (uint32_t)(unsigned char)p[i] - (uint32_t)'0';
            if (d > 9) {
                s->flags |= MCPT__SSE_BAD;
                return;
            }
            s->pos = 1;                                     /* saturates below "never given" */
            s->number = s->number > (0xfffffffeu - d) / 10u ? 0xfffffffeu : s->number * 10u + d;
        }
    }
}

/* A byte of a field name. The first letter tells which name it can only be. */
static void mcpt__sse_name(mcpt_sse *s, char c)
{
    static const char names[4][6] = { "data", "event", "id", "retry" };
    if (s->state == MCPT__SSE_START) {
        s->state = MCPT__SSE_NAME;
        s->pos = 0;
        s->field = c == 'd' ? MCPT__SSE_DATA : c == 'e' ? MCPT__SSE_EVENT : c == 'i' ? MCPT__SSE_ID :
            c == 'r' ? MCPT__SSE_RETRY : MCPT__SSE_OTHER;
    }
    if (s->field != MCPT__SSE_OTHER) {
        const char *name = names[s->field - 1];
        if (name[s->pos] == '\0' || name[s->pos] != c) {
            s->field = MCPT__SSE_OTHER;
        } else {
            s->pos++;
        }
    }
}

/* The name is complete: s->pos characters of it matched. */
static void mcpt__sse_begin(mcpt_sse *s)
{
    static const uint8_t lens[] = { 0, 4, 5, 2, 5 };
    if (s->state == MCPT__SSE_START || s->pos != lens[s->field]) {  /* a comment, or a name cut short */
        s->field = MCPT__SSE_OTHER;
    }
    s->pos = 0;
    s->number = 0;
    s->id_line = 0;
    s->flags &= (uint8_t)~MCPT__SSE_BAD;
    if (s->field == MCPT__SSE_ID && s->id == NULL) {
        s->field = MCPT__SSE_OTHER;
    }
    if (s->field == MCPT__SSE_DATA) {
        if ((s->flags & MCPT__SSE_HAS_DATA) != 0) {
            mcpt__sse_data(s, "\n", 1);
        }
        s->flags |= MCPT__SSE_HAS_DATA;
    }
}

/* The value is complete. */
static void mcpt__sse_finish(mcpt_sse *s)
{
    bool good = (s->flags & MCPT__SSE_BAD) == 0;
    if (s->field == MCPT__SSE_EVENT) {                      /* the last counts; an empty one is message */
        s->flags &= (uint8_t)~MCPT__SSE_SKIP;
        if (!good || (s->pos != 0 && s->pos != 7)) {
            s->flags |= MCPT__SSE_SKIP;
        }
    } else if (s->field == MCPT__SSE_ID && good) {
        MCPT_MEMMOVE(s->id + s->id_len, s->id + s->id_len + s->id_new, s->id_line);
        s->id_new = s->id_line;
        s->flags |= MCPT__SSE_HAS_ID;
    } else if (s->field == MCPT__SSE_RETRY && good && s->pos != 0) {
        s->retry = s->number;
    }
}

/* The empty line; true when there is an event to hand out. */
static bool mcpt__sse_dispatch(mcpt_sse *s)
{
    bool give = (s->flags & MCPT__SSE_SKIP) == 0 && (s->len > 0 || (s->flags & (MCPT__SSE_OVER | MCPT__SSE_TAKEN)) != 0);
    if ((s->flags & MCPT__SSE_HAS_ID) != 0) {
        MCPT_MEMMOVE(s->id, s->id + s->id_len, s->id_new);
        s->id_len = s->id_new;
        s->id_new = 0;
    }
    if ((s->flags & (give ? MCPT__SSE_OVER : MCPT__SSE_TAKEN)) != 0) {     /* became a message, or none, after its data */
        s->err = MCPT_E_SPACE;
    }
    s->flags &= MCPT__SSE_CR;
    if (give) {
        s->flags |= MCPT__SSE_GIVEN;
    } else {
        s->len = 0;
    }
    return give;
}

/* A line end; true when there is an event to hand out. */
static bool mcpt__sse_line(mcpt_sse *s)
{
    bool empty = s->state == MCPT__SSE_START;
    if (s->state == MCPT__SSE_NAME) {                       /* a name alone has an empty value */
        mcpt__sse_begin(s);
    }
    s->state = MCPT__SSE_START;
    if (empty) {
        return mcpt__sse_dispatch(s);
    }
    mcpt__sse_finish(s);
    return false;
}

/* The byte order mark that may stand first; false: c belongs to what follows. */
static bool mcpt__sse_bom(mcpt_sse *s, char c)
{
    static const unsigned char bom[3] = { 0xef, 0xbb, 0xbf };
    if ((unsigned char)c == bom[s->state]) {
        s->state++;
        return true;
    }
    s->field = MCPT__SSE_OTHER;                             /* a part of it starts a name nobody knows */
    s->state = s->state == MCPT__SSE_BOM1 ? MCPT__SSE_START : MCPT__SSE_NAME;
    return false;
}

/* Takes the next bytes, n > 0, of one line or its end; answers how many. *event: one is to be handed out. */
static size_t mcpt__sse_step(mcpt_sse *s, const char *p, size_t n, bool *event)
{
    bool end = p[0] == '\r' || p[0] == '\n';
    bool second = p[0] == '\n' && (s->flags & MCPT__SSE_CR) != 0;
    s->flags &= (uint8_t)~MCPT__SSE_CR;
    if (second || (s->state <= MCPT__SSE_BOM3 && mcpt__sse_bom(s, p[0]))) {
        return 1;
    }
    if (end) {
        s->flags |= p[0] == '\r' ? MCPT__SSE_CR : 0;
        *event = mcpt__sse_line(s);
        return 1;
    }
    if (s->state == MCPT__SSE_START || s->state == MCPT__SSE_NAME) {
        if (p[0] == ':') {
            mcpt__sse_begin(s);
            s->state = MCPT__SSE_COLON;
        } else {
            mcpt__sse_name(s, p[0]);
        }
        return 1;
    }
    end = s->state == MCPT__SSE_COLON && p[0] == ' ';       /* one space after the colon is not the value's */
    s->state = MCPT__SSE_VALUE;
    if (end) {
        return 1;
    }
    if (s->pieces && s->field == MCPT__SSE_DATA && (s->flags & MCPT__SSE_SKIP) == 0 && n > s->cap - s->len - 1u) {
        n = s->cap - s->len - 1u;                           /* feed left room for two: a line end and this */
    }
    n = mcpt__clean(p, n);
    n = n == 0 ? 1 : n;                                     /* a control other than CR and LF is text */
    mcpt__sse_value(s, p, n);
    return n;
}

MCPT_API mcpt_err mcpt_sse_feed(mcpt_sse *s, const char *text, size_t len, size_t *used)
{
    bool event = false;
    size_t i = 0;
    if ((s->flags & MCPT__SSE_GIVEN) != 0) {
        s->flags &= (uint8_t)~MCPT__SSE_GIVEN;
        s->len = 0;
    }
    while (i < len && !event && s->err == MCPT_OK) {
        if (s->pieces && s->cap - s->len < 2 && (s->flags & MCPT__SSE_SKIP) == 0) {
            s->flags |= MCPT__SSE_GIVEN | MCPT__SSE_TAKEN;
            *used = i;
            return MCPT_MORE;
        }
        i += mcpt__sse_step(s, text + i, len - i, &event);
    }
    *used = i;
    return s->err != MCPT_OK ? s->err : event ? MCPT_OK : MCPT_PENDING;
}
#endif /* !MCPT_NO_HTTP */

/* >>schema-text: implementation ---------------------------------------------------------------------------
 * The schema is read where it lies by a cursor that never leaves it. A malformed place puts the cursor to the
 * end for good, so every loop ends; what is not needed is skipped by bracket counting, and its commas,
 * escapes and digits are judged by mcpt_schema_lint() alone. Walking a schema moves the cursor behind it, so
 * one serves all levels. */
#define MCPT__SCH_WORDS_X(X)          /* keywords and names of types, sorted by length; at most 32 */ \
    X(TYPE, "type") X(ENUM, "enum") X(T_NULL, "null") X(CONST, "const") X(ITEMS, "items") X(ONE_OF, "oneOf") \
    X(ANY_OF, "anyOf") X(T_ARRAY, "array") X(T_STRING, "string") X(T_OBJECT, "object") X(T_NUMBER, "number") \
    X(MINIMUM, "minimum") X(MAXIMUM, "maximum") X(T_INTEGER, "integer") X(T_BOOLEAN, "boolean") \
    X(REQUIRED, "required") X(MIN_ITEMS, "minItems") X(MAX_ITEMS, "maxItems") X(MIN_LENGTH, "minLength") \
    X(MAX_LENGTH, "maxLength") X(PROPERTIES, "properties") X(MULTIPLE_OF, "multipleOf") \
    X(MIN_PROPERTIES, "minProperties") X(MAX_PROPERTIES, "maxProperties") X(ABOVE, "exclusiveMinimum") \
    X(BELOW, "exclusiveMaximum") X(ADDITIONAL, "additionalProperties")
#define MCPT_X(name, text) MCPT__K_##name,
enum { MCPT__SCH_WORDS_X(MCPT_X) MCPT__K_COUNT, MCPT__K_NONE = MCPT__NO_WORD };
#undef MCPT_X
#define MCPT_X(name, text) MCPT__K_AT_##name, MCPT__K_LAST_##name = MCPT__K_AT_##name + (int)sizeof(text) - 2,
enum { MCPT__SCH_WORDS_X(MCPT_X) MCPT__K_AT_END };
#undef MCPT_X
#define MCPT__K(name) ((uint32_t)1 << MCPT__K_##name)
enum { MCPT__SCH_DEPTH = MCPT_MAX_DEPTH < 12 ? MCPT_MAX_DEPTH : 12 };   /* schemas inside each other */

static MCPT__QUICK unsigned mcpt__sch_word(mcpt_str s)
{
    static const uint8_t rows[] = {
        MCPT__K_TYPE, MCPT__K_CONST, MCPT__K_T_STRING, MCPT__K_MINIMUM, MCPT__K_REQUIRED, MCPT__K_MIN_LENGTH,
        MCPT__K_PROPERTIES, MCPT__K_MIN_PROPERTIES, MCPT__K_MIN_PROPERTIES, MCPT__K_MIN_PROPERTIES, MCPT__K_ABOVE, MCPT__K_ABOVE,
        MCPT__K_ABOVE, MCPT__K_ADDITIONAL, MCPT__K_ADDITIONAL, MCPT__K_ADDITIONAL, MCPT__K_ADDITIONAL, MCPT__K_COUNT,
#define MCPT_X(name, text) MCPT__K_AT_##name,
        MCPT__SCH_WORDS_X(MCPT_X) MCPT__K_AT_END
#undef MCPT_X
    };
#define MCPT_X(name, text) text
    static const char words[] = MCPT__SCH_WORDS_X(MCPT_X);
#undef MCPT_X
    return mcpt__word_find(words, rows, s.ptr, s.len, 0);
}

typedef struct mcpt__sch_text {
    const char *p, *end;
    bool bad;                         /* malformed; p is end */
} mcpt__sch_text;

static void mcpt__sch_open(mcpt__sch_text *t, mcpt_str schema)
{
    t->p = t->end = schema.ptr;
    t->bad = false;
    if (schema.len != 0) {                                  /* NULL + 0 is undefined in C */
        t->end = schema.ptr + schema.len;
    }
}

static void mcpt__sch_bad(mcpt__sch_text *t)
{
    t->p = t->end;
    t->bad = true;
}

static const char *mcpt__sch_space(const char *p, const char *end)
{
    while (p != end && (unsigned char)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    return p;
}

/* The next byte that is not white space; '\0', which no JSON has outside strings, at the end. */
static inline char mcpt__sch_peek(mcpt__sch_text *t)
{
    t->p = mcpt__sch_space(t->p, t->end);
    return t->p != t->end ? *t->p : '\0';
}

/* Behind the string that goes on at p; NULL: it does not end. */
static MCPT__QUICK const char *mcpt__sch_string(const char *p, const char *end)
{
    for (p = mcpt__plain(p, end); p != end && *p != '"'; p = mcpt__plain(p + 1, end)) {
        if ((unsigned char)*p < 0x20 || (*p == '\\' && ++p == end)) {
            return NULL;
        }
    }
    return p != end ? p + 1 : NULL;
}

/* Moves to p; NULL: the text is malformed. */
static void mcpt__sch_move(mcpt__sch_text *t, const char *p)
{
    t->bad = t->bad || p == NULL;
    t->p = p != NULL ? p : t->end;
}

/* Moves behind the bracket that leaves open containers and those that begin meanwhile. */
static void mcpt__sch_leave(mcpt__sch_text *t, size_t open)
{
    do {
        char c = t->p != t->end ? *t->p : '\0';

        if (c == '"') {
            mcpt__sch_move(t, mcpt__sch_string(t->p + 1, t->end));
        } else if (c == '\0') {
            mcpt__sch_bad(t);
        } else {
            open += (c | 0x20) == '{' ? 1u : 0u;            /* '[' and ']' are these less 32 */
            open -= (c | 0x20) == '}' ? 1u : 0u;
            t->p++;
        }
    } while (open != 0 && !t->bad);
}

/* Moves behind the value here; raw is its text. ABSENT: it is malformed. */
static MCPT__QUICK mcpt_type mcpt__sch_value(mcpt__sch_text *t, mcpt_str *raw)
{
    char c = mcpt__sch_peek(t);
    const char *begin = t->p;
    mcpt_type type = c == '"' ? MCPT_STRING : c == '{' ? MCPT_OBJECT : c == '[' ? MCPT_ARRAY :
                     c == 'n' ? MCPT_NULL : c == 't' || c == 'f' ? MCPT_BOOL :
                     c == '-' || mcpt__digit(c) ? MCPT_NUMBER : MCPT_ABSENT;

    if (c == '"') {
        mcpt__sch_move(t, mcpt__sch_string(begin + 1, t->end));
    } else if (type >= MCPT_ARRAY) {
        mcpt__sch_leave(t, 0);
    } else if (type == MCPT_ABSENT) {
        mcpt__sch_bad(t);
    } else {
        while (t->p != t->end && (unsigned char)*t->p > ' ' && *t->p != ',' && (*t->p | 0x20) != '}') {
            t->p++;
        }
    }
    *raw = mcpt__mk(begin, (size_t)(t->p - begin));
    return t->bad ? MCPT_ABSENT : type;
}

/* Inside a container: true when an element begins here, false behind the closing bracket. */
static inline bool mcpt__sch_next(mcpt__sch_text *t, char close)
{
    char c = mcpt__sch_peek(t);

    if (c == '\0') {
        mcpt__sch_bad(t);
        return false;
    }
    t->p += c == ',' || c == close ? 1 : 0;
    return c != close;
}

static mcpt_str mcpt__sch_inside(mcpt_str raw)
{
    return mcpt__mk(raw.ptr + 1, raw.len - 2);
}

/* Inside an object: true and the raw key, the cursor at the value; false behind the brace. */
static MCPT__QUICK bool mcpt__sch_key(mcpt__sch_text *t, mcpt_str *key)
{
    const char *end = t->end;
    const char *p = mcpt__sch_space(t->p, end);
    const char *q = NULL;

    if (p != end && *p == '}') {
        t->p = p + 1;
        return false;
    }
    p = p != end && *p == ',' ? mcpt__sch_space(p + 1, end) : p;
    if (p != end && *p == '"') {
        q = mcpt__sch_string(++p, end);
    }
    if (q != NULL) {
        *key = mcpt__mk(p, (size_t)(q - p) - 1u);
        q = mcpt__sch_space(q, end);
        q = q != end && *q == ':' ? q + 1 : NULL;
    }
    mcpt__sch_move(t, q);
    return q != NULL;
}

/* The value of a keyword in the schema at p; ABSENT when there is none. */
static mcpt_type mcpt__sch_find(mcpt__sch_text t, const char *p, const char *word, mcpt_str *raw)
{
    mcpt_str key;

    t.p = p;
    if (mcpt__sch_peek(&t) == '{') {
        t.p++;
        while (mcpt__sch_key(&t, &key)) {
            mcpt_type type = mcpt__sch_value(&t, raw);
            if (mcpt_str_is(key, word)) {
                return type;
            }
        }
    }
    return MCPT_ABSENT;
}

/* Only tchar (RFC 9110)? */
static bool mcpt__sch_token(mcpt_str s)
{
    return mcpt__take_set(mcpt__set_token, s.ptr, s.len) == s.len;
}

/* Do two raw strings stand for the same text? */
static bool mcpt__sch_same(mcpt_str a, mcpt_str b)
{
    return mcpt__raw_order(a, b, false) == 0;
}

/* A number as +-0.d1d2...dn * 10^exp. Exponents past 10^8 count as some such; the rest is exact. */
typedef struct mcpt__num {
    const char *p, *end;              /* d1, end of the digits and the point in them */
    int32_t exp;
    int32_t n;                        /* dn is not 0 */
    int sign;                         /* 0: zero */
} mcpt__num;

static void mcpt__num_init(mcpt__num *v, mcpt_str raw)
{
    const char *end = raw.ptr + raw.len;
    const char *p = raw.ptr;
    bool point = false;
    int32_t digits = 0;

    MCPT_MEMSET(v, 0, sizeof(*v));
    v->p = p;
    for (; p != end && (*p | 0x20) != 'e'; p++) {
        point = point || *p == '.';
        if (!mcpt__digit(*p)) {
            continue;
        }
        if (v->sign == 0 && *p != '0') {
            v->sign = *raw.ptr == '-' ? -1 : 1;
            v->p = p;
        }
        if (v->sign == 0) {
            v->exp -= point ? 1 : 0;
            continue;
        }
        v->exp += point ? 0 : 1;
        digits++;
        v->n = *p != '0' ? digits : v->n;
    }
    v->end = p;
    if (p != end) {
        v->exp += mcpt__exponent(p + 1, end);
    }
}

/* Can multipleOf be enforced? A positive number of at most 8 digits, zeros at its ends not counted. */
static bool mcpt__sch_divisor(const mcpt__num *m)
{
    return m->sign > 0 && m->n <= 8;
}

/* >>schema: implementation --------------------------------------------------------------------------------
 * The checker: walks schema and value side by side with a stack of its own. */
#if !MCPT_NO_SCHEMA
static unsigned mcpt__num_digit(mcpt__num *v)
{
    if (v->p != v->end && *v->p == '.') {
        v->p++;
    }
    return v->p != v->end ? (unsigned)(*v->p++ - '0') : 0u;
}

static int mcpt__num_order(mcpt_str a, mcpt_str b)
{
    mcpt__num x;
    mcpt__num y;
    int order;

    mcpt__num_init(&x, a);
    mcpt__num_init(&y, b);
    order = x.sign - y.sign;
    if (order != 0 || x.sign == 0) {
        return order;
    }
    order = (x.exp > y.exp) - (x.exp < y.exp);
    while (order == 0 && (x.p != x.end || y.p != y.end)) {
        order = (int)mcpt__num_digit(&x) - (int)mcpt__num_digit(&y);
    }
    return order * x.sign;
}

/* With V and M the digits up to the last that is not 0, v = V * 10^a and m = M * 10^b: for a < b v is no
 * multiple, because 10 does not divide V; else V * 10^(a-b) mod M decides, 0 after 32 steps or never. */
static bool mcpt__num_multiple(mcpt_str value, mcpt_str divisor)
{
    mcpt__num v;
    mcpt__num m;
    uint32_t d = 0;
    uint32_t r = 0;
    int32_t zeros;

    mcpt__num_init(&v, value);
    mcpt__num_init(&m, divisor);
    if (!mcpt__sch_divisor(&m) || v.sign == 0) {
        return true;
    }
    zeros = (v.exp - v.n) / 2 - (m.exp - m.n) / 2;          /* halves do not overflow */
    zeros = zeros < -32 || zeros > 32 ? zeros : (v.exp - v.n) - (m.exp - m.n);
    for (; m.n > 0; m.n--) {
        d = d * 10u + mcpt__num_digit(&m);
    }
    for (; v.n > 0; v.n--) {
        r = (r * 10u + mcpt__num_digit(&v)) % d;
    }
    for (m.n = 0; m.n < zeros && m.n < 32; m.n++) {
        r = r * 10u % d;
    }
    return zeros >= 0 && r == 0;
}

/* Is the schema's value equal to v? Arrays and objects are not compared: one equals all of its kind. */
static bool mcpt__sch_equal(mcpt_type type, mcpt_str a, mcpt_val v)
{
    mcpt_str b = mcpt_raw(v);

    if (type != mcpt_typeof(v)) {
        return false;
    }
    if (type == MCPT_STRING) {
        return mcpt__sch_same(mcpt__sch_inside(a), mcpt__sch_inside(b));
    }
    return type == MCPT_NUMBER ? mcpt__num_order(a, b) == 0 : type != MCPT_BOOL || *a.ptr == *b.ptr;
}

enum { MCPT__SCH_WORDS, MCPT__SCH_PROPERTIES, MCPT__SCH_ITEMS, MCPT__SCH_ADDITIONAL };

typedef struct mcpt__sch_frame {      /* a schema that is being walked */
    const char *first;                /* value of properties or, for an array, items; NULL: none */
    const char *rest;                 /* value of additionalProperties; NULL: none */
    uint32_t at, child;               /* what it is for; the member or element that is being checked */
    uint16_t found;                   /* members that properties names; elements so far */
    uint8_t type;                     /* of the value; absent arguments are an empty object */
    uint8_t mode;                     /* MCPT__SCH_x: where in the schema */
} mcpt__sch_frame;

typedef struct mcpt__sch {
    mcpt__sch_text t;
    const mcpt_doc *doc;
    char *why;
    size_t room;                      /* in why, with a NUL */
    unsigned depth;
    mcpt_err err;
    mcpt__sch_frame stack[MCPT__SCH_DEPTH];
} mcpt__sch;

/* Adds to the sentence; what no longer fits is cut between two characters, and nothing follows it. */
static void mcpt__why_str(mcpt__sch *c, mcpt_str s)
{
    size_t n = s.len;

    if (c->room == 0) {
        return;
    }
    if (n >= c->room) {
        for (n = c->room - 1; n != 0 && ((unsigned char)s.ptr[n] & 0xc0u) == 0x80; n--) {
        }
        c->room = n + 1;
    }
    MCPT_MEMCPY(c->why, s.ptr, n);
    c->why += n;
    c->room -= n;
    *c->why = '\0';
}

static void mcpt__why(mcpt__sch *c, const char *z)
{
    mcpt__why_str(c, mcpt_z(z));
}

/* v in decimal. */
static mcpt_str mcpt__sch_decimal(uint32_t v, char text[10])
{
    size_t i = 10;

    do {
        i--;
        text[i] = (char)('0' + v % 10u);
        v /= 10u;
    } while (v != 0);
    return mcpt__mk(text + i, 10 - i);
}

/* The caller chose this name: may it be repeated? */
static bool mcpt__sch_may(mcpt_str name)
{
    return name.len - 1 < 32 && mcpt__sch_token(name);
}

/* The name of member number at. */
static mcpt_str mcpt__sch_name(const mcpt__sch *c, uint32_t at)
{
    return mcpt__tok_text(c->doc, mcpt__toks(c->doc) + at - 1);
}

/* Writes the sentence: the path of the value in question, text, detail. Answers false. */
static bool mcpt__sch_fail(mcpt__sch *c, const char *text, mcpt_str detail)
{
    const mcpt__sch_frame *f = c->stack;

    c->err = MCPT_E_PARAMS;
    mcpt__why(c, "arguments");
    for (; f != c->stack + c->depth; f++) {
        char digits[10];
        if (f->mode == MCPT__SCH_ITEMS) {
            mcpt__why(c, "[");
            mcpt__why_str(c, mcpt__sch_decimal(f->found - 1u, digits));
            mcpt__why(c, "]");
        } else if (f->mode != MCPT__SCH_WORDS) {
            mcpt_str name = mcpt__sch_name(c, f->child);
            mcpt__why(c, ".");
            mcpt__why_str(c, f->mode == MCPT__SCH_PROPERTIES || mcpt__sch_may(name) ? name : mcpt_z("*"));
        }
    }
    mcpt__why(c, ": ");
    mcpt__why(c, text);
    mcpt__why_str(c, detail);
    return false;
}

static bool mcpt__sch_fits(mcpt_val v, mcpt_type type, unsigned id)
{
    static const uint8_t words[] = { MCPT__K_NONE, MCPT__K_T_NULL, MCPT__K_T_BOOLEAN, MCPT__K_T_NUMBER,
                                     MCPT__K_T_STRING, MCPT__K_T_ARRAY, MCPT__K_T_OBJECT };

    if (id == MCPT__K_T_INTEGER && type == MCPT_NUMBER) {
        mcpt__num n;
        mcpt__num_init(&n, mcpt_raw(v));
        return n.exp >= n.n || n.sign == 0;                 /* 1.0 and 1e2 are integers */
    }
    return id == words[type];
}

/* Characters of a raw string. */
static uint32_t mcpt__sch_length(mcpt_str raw)
{
    const char *p = raw.ptr + 1;
    const char *end = raw.ptr + raw.len - 1;
    uint32_t n = 0;

    while (p != end) {
        unsigned step = *p != '\\' ? 1 : p[1] != 'u' ? 2 : 6;
        bool half = ((unsigned char)*p & 0xc0u) == 0x80 ||
                    (step == 6 && (p[2] | 0x20) == 'd' && p[3] >= '8' && (p[3] | 0x20) <= 'b');
        n += half ? 0 : 1;                                  /* the other half counts */
        p += step;
    }
    return n;
}

/* Is a bound kept? upper: it is one from above. */
static bool mcpt__sch_bound(mcpt_val v, mcpt_type type, unsigned id, bool upper, mcpt_str bound)
{
    mcpt_type wanted = id <= MCPT__K_MAXIMUM || id >= MCPT__K_ABOVE ? MCPT_NUMBER :
                       id <= MCPT__K_MAX_ITEMS ? MCPT_ARRAY :
                       id <= MCPT__K_MAX_LENGTH ? MCPT_STRING : MCPT_OBJECT;
    mcpt_str have = mcpt_raw(v);
    char digits[10];
    int order;

    if (type != wanted) {
        return true;
    }
    if (type != MCPT_NUMBER) {
        uint32_t n = type == MCPT_STRING ? mcpt__sch_length(have) : (uint32_t)mcpt_size(v);
        have = mcpt__sch_decimal(n, digits);
    }
    order = mcpt__num_order(have, bound);
    order = upper ? -order : order;
    return order > 0 || (order == 0 && id < MCPT__K_ABOVE);
}

/* Looks at a list, or at a single value: does v fit one of them, or have all of required? raw becomes the last that
 * was looked at. What a branch of oneOf or anyOf says besides const does not count. */
static bool mcpt__sch_each(mcpt__sch *c, mcpt_val v, mcpt_type type, unsigned id, mcpt_type is, mcpt_str *raw)
{
    bool all = id == MCPT__K_REQUIRED;
    bool list = is == MCPT_ARRAY && id != MCPT__K_CONST;
    bool fits = all;
    mcpt__sch_text in = c->t;

    in.p = raw->ptr + 1;
    while (fits == all && (!list || mcpt__sch_next(&in, ']'))) {
        if (list) {
            is = mcpt__sch_value(&in, raw);
        }
        if (id == MCPT__K_ONE_OF || id == MCPT__K_ANY_OF) {
            is = mcpt__sch_find(in, raw->ptr, "const", raw);
        }
        if (id != MCPT__K_TYPE && !all) {
            fits = is == MCPT_ABSENT || mcpt__sch_equal(is, *raw, v);
        } else if (is != MCPT_STRING) {
            mcpt__sch_bad(&in);
        } else if (all) {
            fits = mcpt__val_find(v, mcpt__sch_inside(*raw), false).doc != NULL;
        } else {
            fits = mcpt__sch_fits(v, type, mcpt__sch_word(mcpt__sch_inside(*raw)));
        }
        if (!list) {
            break;
        }
    }
    if (in.bad) {
        mcpt__sch_bad(&c->t);
    }
    return fits || in.bad;
}

/* Goes into the schemas of members or elements at the cursor, or remembers them. False: pass them. */
static bool mcpt__sch_inner(mcpt__sch *c, mcpt__sch_frame *f, unsigned id)
{
    char open = mcpt__sch_peek(&c->t);

    if (id == MCPT__K_ADDITIONAL) {
        f->rest = c->t.p;
        return false;
    }
    if (id == MCPT__K_ITEMS) {
        if (f->type != MCPT_ARRAY || open == '[') {         /* a list of schemas is draft-07's */
            return false;
        }
        f->mode = MCPT__SCH_ITEMS;
        f->child = f->at;
    } else {
        if (f->type != MCPT_OBJECT) {
            return false;
        }
        if (open != '{') {
            mcpt__sch_bad(&c->t);
            return true;
        }
        f->mode = MCPT__SCH_PROPERTIES;
    }
    f->first = c->t.p;
    c->t.p += f->mode == MCPT__SCH_PROPERTIES ? 1 : 0;
    return true;
}

static const char mcpt__sch_bounds[6][25] = {
    "must be at least ", "must be at most ", "length must be at least ", "length must be at most ",
    "must be more than ", "must be less than "
};

/* A keyword of the innermost schema; the cursor is at its value. */
static bool mcpt__sch_keyword(mcpt__sch *c, unsigned id)
{
    mcpt__sch_frame *f = &c->stack[c->depth - 1];
    mcpt_val v = mcpt__val(c->doc, f->at);
    mcpt_type type = (mcpt_type)f->type;
    uint32_t bit = id < 32 ? (uint32_t)1 << id : 0;
    bool inner = (bit & (MCPT__K(PROPERTIES) | MCPT__K(ITEMS) | MCPT__K(ADDITIONAL))) != 0;
    bool ok = true;
    const char *text = "must be one of ";
    mcpt_type is;
    mcpt_str raw;
    mcpt_str last;

    if (inner && mcpt__sch_inner(c, f, id)) {
        return true;
    }
    is = mcpt__sch_value(&c->t, &raw);
    last = raw;
    if (inner || bit == 0 || is == MCPT_ABSENT) {
        return true;
    }
    if ((bit & (MCPT__K(TYPE) | MCPT__K(ENUM) | MCPT__K(CONST) | MCPT__K(ONE_OF) | MCPT__K(ANY_OF) | MCPT__K(REQUIRED))) != 0) {
        ok = (id == MCPT__K_REQUIRED && type != MCPT_OBJECT) || mcpt__sch_each(c, v, type, id, is, &last);
        if (id == MCPT__K_TYPE && is == MCPT_STRING) {
            raw = mcpt__sch_inside(raw);
            text = *raw.ptr == 'i' || *raw.ptr == 'o' || *raw.ptr == 'a' ? "must be an " : "must be a ";
        } else if (id == MCPT__K_REQUIRED) {
            raw = last;
            text = "missing required ";
        } else if (id == MCPT__K_CONST) {
            text = "must be ";
        }
    } else if (is != MCPT_NUMBER) {
        mcpt__sch_bad(&c->t);
    } else {
        bool upper = (bit & (MCPT__K(MAXIMUM) | MCPT__K(MAX_ITEMS) | MCPT__K(MAX_LENGTH) | MCPT__K(MAX_PROPERTIES) | MCPT__K(BELOW))) != 0;
        text = mcpt__sch_bounds[(upper ? 1u : 0u) + (id >= MCPT__K_ABOVE ? 4u : id >= MCPT__K_MIN_ITEMS ? 2u : 0u)];
        if (id != MCPT__K_MULTIPLE_OF) {
            ok = mcpt__sch_bound(v, type, id, upper, raw);
        } else if (type == MCPT_NUMBER) {
            text = "must be a multiple of ";
            ok = mcpt__num_multiple(mcpt_raw(v), raw);
        }
    }
    return ok || mcpt__sch_fail(c, text, raw);
}

/* Begins the schema at the cursor for value number at. */
static bool mcpt__sch_enter(mcpt__sch *c, uint32_t at)
{
    mcpt__sch_frame *f = &c->stack[c->depth];
    const char *text = "is not allowed";
    mcpt_str raw;

    if (mcpt__sch_peek(&c->t) == '{') {
        if (c->depth == MCPT__SCH_DEPTH) {
            c->err = MCPT_E_DEPTH;
            return false;
        }
        MCPT_MEMSET(f, 0, sizeof(*f));
        f->at = at;
        f->type = (uint8_t)mcpt_typeof(mcpt__val(c->doc, at));
        f->type = f->type != MCPT_ABSENT ? f->type : (uint8_t)MCPT_OBJECT;
        c->depth++;
        c->t.p++;
        return true;
    }
    if (mcpt__sch_value(&c->t, &raw) != MCPT_BOOL) {
        mcpt__sch_bad(&c->t);
        return true;
    }
    if (*raw.ptr == 't') {
        return true;
    }
    raw.len = 0;
    if (c->depth != 0 && f[-1].mode == MCPT__SCH_ADDITIONAL) {
        f[-1].mode = MCPT__SCH_WORDS;                       /* the path ends at the object */
        text = "an unexpected member";
        if (mcpt__sch_may(mcpt__sch_name(c, at))) {
            text = "unexpected member ";
            raw = mcpt__sch_name(c, at);
            raw = mcpt__mk(raw.ptr - 1, raw.len + 2);
        }
    }
    return mcpt__sch_fail(c, text, raw);
}

/* Does properties, at p unless that is NULL, name this member? */
static bool mcpt__sch_named(mcpt__sch_text t, const char *p, mcpt_str name)
{
    mcpt_str key;

    if (p == NULL) {
        return false;
    }
    t.p = p + 1;
    while (mcpt__sch_key(&t, &key)) {
        if (mcpt__sch_same(key, name)) {
            return true;
        }
        (void)mcpt__sch_value(&t, &key);
    }
    return false;
}

/* Goes on with the next member that properties names. */
static bool mcpt__sch_member(mcpt__sch *c, mcpt__sch_frame *f)
{
    mcpt_val it;
    mcpt_str name;

    if (!mcpt__sch_key(&c->t, &name)) {
        f->mode = MCPT__SCH_WORDS;
        return true;
    }
    it = mcpt__val_find(mcpt__val(c->doc, f->at), name, false);
    if (it.doc == NULL) {
        (void)mcpt__sch_value(&c->t, &name);
        return true;
    }
    f->found++;
    f->child = it.at;
    return mcpt__sch_enter(c, it.at);
}

/* Goes on with the next element, or the next member that properties does not name. */
static bool mcpt__sch_element(mcpt__sch *c, mcpt__sch_frame *f)
{
    mcpt_val it = mcpt__val(f->child != f->at ? c->doc : NULL, f->child);
    bool items = f->mode == MCPT__SCH_ITEMS;
    mcpt_str name;

    c->t.p = items ? f->first : f->rest;
    while (mcpt_next(mcpt__val(c->doc, f->at), &it, &name)) {
        if (items || !mcpt__sch_named(c->t, f->first, name)) {
            f->found++;
            f->child = it.at;
            return mcpt__sch_enter(c, it.at);
        }
    }
    f->mode = MCPT__SCH_WORDS;
    (void)mcpt__sch_value(&c->t, &name);
    if (!items) {
        mcpt__sch_leave(&c->t, 1);
        c->depth--;
    }
    return true;
}

/* Goes on with the next keyword of the innermost schema. */
static bool mcpt__sch_step(mcpt__sch *c, mcpt__sch_frame *f)
{
    mcpt_str key;

    if (mcpt__sch_key(&c->t, &key)) {
        return mcpt__sch_keyword(c, mcpt__sch_word(key));
    }
    if (f->rest != NULL && f->type == MCPT_OBJECT && mcpt_size(mcpt__val(c->doc, f->at)) != f->found) {
        f->mode = MCPT__SCH_ADDITIONAL;
        f->child = f->at;
    } else {
        c->depth--;
    }
    return true;
}

MCPT_API mcpt_err mcpt_schema_check(mcpt_str schema, mcpt_val value, char *why, size_t cap)
{
    mcpt__sch c;
    bool ok;

    mcpt__sch_open(&c.t, schema);
    c.doc = value.doc;
    c.why = why;
    c.room = why != NULL ? cap : 0;
    c.depth = 0;
    c.err = MCPT_OK;
    if (c.room != 0) {
        *why = '\0';
    }
    ok = mcpt__sch_enter(&c, value.at);
    while (ok && c.depth != 0 && !c.t.bad) {                /* each step moves the cursor or the child */
        mcpt__sch_frame *f = &c.stack[c.depth - 1];
        ok = f->mode == MCPT__SCH_WORDS ? mcpt__sch_step(&c, f) :
             f->mode == MCPT__SCH_PROPERTIES ? mcpt__sch_member(&c, f) : mcpt__sch_element(&c, f);
    }
    if (c.t.bad || (ok && (mcpt__sch_peek(&c.t) != '\0' || c.t.p != c.t.end))) {
        c.err = MCPT_E_JSON;
    }
    if (c.err == MCPT_E_JSON || c.err == MCPT_E_DEPTH) {
        mcpt__why(&c, "the tool's schema is malformed or too deep");
    }
    return c.err;
}
#endif

/* >>schema-lint: implementation ---------------------------------------------------------------------------
 * Annotated parameters, and what development wants to know of a schema. */

/* Walks the properties that have an x-mcp-header and are reached by properties alone. */
enum { MCPT__HDR_DEPTH = MCPT_MAX_DEPTH / 2 };              /* a level takes two braces */
typedef struct mcpt__headers {
    mcpt__sch_text t;
    const mcpt_doc *doc;
    const char *inner;                /* the schema that may have properties, or NULL */
    mcpt_str header;                  /* its x-mcp-header, raw */
    mcpt_val value;                   /* its value */
    unsigned depth;
    struct {
        const char *p;                /* where in properties */
        uint32_t at;                  /* the object */
    } level[MCPT__HDR_DEPTH];
} mcpt__headers;

static void mcpt__headers_init(mcpt__headers *h, mcpt_str schema, mcpt_val arguments)
{
    mcpt__sch_open(&h->t, schema);
    h->doc = arguments.doc;
    h->inner = schema.ptr;
    h->value = arguments;
    h->depth = 0;
}

/* OK: the next one is in h; E_ABSENT: no more; E_JSON, E_DEPTH. */
static mcpt_err mcpt__headers_next(mcpt__headers *h)
{
    mcpt_str raw;

    for (;;) {                                              /* the cursors only go forward */
        if (h->inner != NULL && mcpt__sch_find(h->t, h->inner, "properties", &raw) == MCPT_OBJECT) {
            if (h->depth == MCPT__HDR_DEPTH) {
                return MCPT_E_DEPTH;
            }
            h->level[h->depth].p = raw.ptr + 1;
            h->level[h->depth].at = h->value.doc != NULL ? h->value.at : UINT32_MAX;
            h->depth++;
        }
        h->inner = NULL;
        if (h->depth == 0 || h->t.bad) {
            return h->t.bad ? MCPT_E_JSON : MCPT_E_ABSENT;
        }
        h->t.p = h->level[h->depth - 1].p;
        if (!mcpt__sch_key(&h->t, &raw)) {
            h->depth--;
            continue;
        }
        h->value = mcpt__val_find(mcpt__val(h->doc, h->level[h->depth - 1].at), raw, false);
        if (mcpt__sch_value(&h->t, &raw) == MCPT_ABSENT) {
            continue;
        }
        h->level[h->depth - 1].p = h->t.p;
        h->inner = raw.ptr;
        if (mcpt__sch_find(h->t, raw.ptr, "x-mcp-header", &h->header) != MCPT_ABSENT) {
            return MCPT_OK;
        }
    }
}

/* A name that can stand in Mcp-Param-<name>. */
static bool mcpt__header_ok(mcpt_str raw)
{
    return raw.len > 2 && *raw.ptr == '"' && mcpt__sch_token(mcpt__sch_inside(raw));
}

MCPT_API mcpt_err mcpt_schema_headers(mcpt_str schema, mcpt_val arguments, mcpt_schema_header_fn each,
                                      void *user)
{
    mcpt__headers h;
    mcpt_err e;

    mcpt__headers_init(&h, schema, arguments);
    while ((e = mcpt__headers_next(&h)) == MCPT_OK) {
        if (mcpt_typeof(h.value) > MCPT_NULL && mcpt__header_ok(h.header)) {
            e = each(user, mcpt__sch_inside(h.header), h.value);
            if (e != MCPT_OK) {
                return e;
            }
        }
    }
    return e == MCPT_E_ABSENT ? MCPT_OK : e;
}

/* The linter's walk: what the containers it is in hold. */
enum {
    MCPT__LINT_SCHEMA = 1,            /* keywords */
    MCPT__LINT_MAP = 2,               /* schemas by name */
    MCPT__LINT_LIST = 4,              /* schemas */
    MCPT__LINT_CHAIN = 8,             /* reached by properties alone */
    MCPT__LINT_DEAD = 16              /* inside what is not enforced, and was named */
};
typedef void (*mcpt__note_fn)(void *user, mcpt_str keyword, const char *why);
typedef struct mcpt__lint {
    mcpt__sch_text t;
    mcpt__note_fn note;
    void *user;
    bool noted;
    unsigned depth;
    struct {
        const char *begin;            /* behind the bracket */
        unsigned kind;                /* MCPT__LINT_x */
    } level[MCPT_MAX_DEPTH];
} mcpt__lint;

static void mcpt__lint_note(mcpt__lint *l, mcpt_str keyword, const char *why)
{
    l->noted = true;
    l->note(l->user, keyword, why);
}

/* The byte before s in a list of words, each of which ends with a NUL; '\0': it is not there. */
static char mcpt__lint_class(mcpt_str s, const char *list)
{
    while (*list != '\0' && !mcpt_str_is(s, list + 1)) {
        list += MCPT_STRLEN(list) + 1;
    }
    return *list;
}

static bool mcpt__lint_is_type(mcpt_str raw)
{
    return mcpt__lint_class(raw, " \"string\"\0 \"integer\"\0 \"boolean\"\0") != '\0';
}

/* The JSON type the value of a keyword must have; ABSENT: it depends. */
static mcpt_type mcpt__sch_shape(unsigned id)
{
    switch (id) {
    case MCPT__K_TYPE:
    case MCPT__K_CONST:
    case MCPT__K_ITEMS:
    case MCPT__K_ADDITIONAL:
        return MCPT_ABSENT;
    case MCPT__K_PROPERTIES:
        return MCPT_OBJECT;
    case MCPT__K_ENUM:
    case MCPT__K_ONE_OF:
    case MCPT__K_ANY_OF:
    case MCPT__K_REQUIRED:
        return MCPT_ARRAY;
    default:
        return MCPT_NUMBER;
    }
}

/* What is wrong with an element of an array that is the value of a keyword, or with such a value itself. */
static const char *mcpt__lint_element(mcpt__sch_text t, unsigned id, mcpt_type type, mcpt_str raw)
{
    bool constant = false;
    mcpt_str key;

    if (id == MCPT__K_CONST || id == MCPT__K_ENUM) {
        return type >= MCPT_ARRAY ? "an array or object in it is not compared" : NULL;
    }
    if (id == MCPT__K_TYPE && type == MCPT_STRING) {
        return mcpt__lint_is_type(raw) ||
               mcpt__lint_class(raw, " \"null\"\0 \"number\"\0 \"array\"\0 \"object\"\0") != '\0' ? NULL :
               "there is no such type";
    }
    if (id == MCPT__K_TYPE || id == MCPT__K_REQUIRED) {
        return type != MCPT_STRING ? "its value is of the wrong kind" : NULL;
    }
    t.p = raw.ptr + 1;
    while (type == MCPT_OBJECT && mcpt__sch_key(&t, &key)) {
        char c = mcpt__lint_class(key, "cconst\0 title\0 description\0");
        (void)mcpt__sch_value(&t, &raw);
        constant = constant || c == 'c';
        type = c != '\0' ? type : MCPT_ABSENT;
    }
    return constant && type == MCPT_OBJECT ? NULL : "in a branch only const is enforced";
}

/* Why a keyword that is enforced, the cursor at its value, is not or not fully; NULL: it is. */
static const char *mcpt__lint_value(mcpt__sch_text t, unsigned id)
{
    mcpt_str raw;
    mcpt__sch_text in = t;
    mcpt_type type = mcpt__sch_value(&t, &raw);
    mcpt_type shape = mcpt__sch_shape(id);
    const char *why = NULL;
    mcpt__num m;

    if (id == MCPT__K_ITEMS || id == MCPT__K_ADDITIONAL) {
        return type == MCPT_OBJECT || type == MCPT_BOOL ? NULL : "not enforced: not a schema";
    }
    if (shape != MCPT_ABSENT && type != shape) {
        return "its value is of the wrong kind";
    }
    if (id == MCPT__K_MULTIPLE_OF) {
        mcpt__num_init(&m, raw);
        return mcpt__sch_divisor(&m) ? NULL : "not enforced: not positive, or more than 8 digits";
    }
    if (id == MCPT__K_CONST || (id == MCPT__K_TYPE && type != MCPT_ARRAY)) {
        return mcpt__lint_element(t, id, type, raw);
    }
    in.p = raw.ptr + 1;
    while (type == MCPT_ARRAY && why == NULL && mcpt__sch_next(&in, ']')) {
        mcpt_type element = mcpt__sch_value(&in, &raw);
        why = mcpt__lint_element(in, id, element, raw);
    }
    return why;
}

/* A keyword of a schema, the cursor at its value. Answers what stands in there; 0: no schemas. */
static unsigned mcpt__lint_keyword(mcpt__lint *l, mcpt_str key, unsigned in)
{
    static const char words[] =       /* q, d: nothing to say; s: schemas are in it; d, m: schemas by name */
        "qtitle\0qdescription\0qdefault\0qexamples\0q$comment\0qdeprecated\0qreadOnly\0qwriteOnly\0q$id\0"
        "q$anchor\0qenumNames\0d$defs\0ddefinitions\0mpatternProperties\0mdependentSchemas\0mdependencies\0"
        "sallOf\0snot\0sif\0sthen\0selse\0scontains\0spropertyNames\0sprefixItems\0sadditionalItems\0"
        "sunevaluatedItems\0sunevaluatedProperties\0scontentSchema\0aformat\0xx-mcp-header\0"
        "unull\0uarray\0ustring\0uobject\0unumber\0uinteger\0uboolean\0";
    static const char dialects[] = " \"https://json-schema.org/draft/2020-12/schema\"\0"
                                   " \"https://json-schema.org/draft/2020-12/schema#\"\0"
                                   " \"http://json-schema.org/draft-07/schema\"\0"
                                   " \"http://json-schema.org/draft-07/schema#\"\0";
    char c = mcpt__lint_class(key, words);
    unsigned id = c == '\0' ? mcpt__sch_word(key) : (unsigned)MCPT__K_NONE;
    unsigned dead = MCPT__LINT_DEAD;
    unsigned kind = 0;
    const char *why = "not enforced";
    mcpt__sch_text t = l->t;
    mcpt_str raw;

    if (id != MCPT__K_NONE) {
        why = mcpt__lint_value(t, id);
        dead = why != NULL ? dead : 0;
        kind = id == MCPT__K_PROPERTIES ? (unsigned)MCPT__LINT_MAP | (in & MCPT__LINT_CHAIN) :
               id == MCPT__K_ITEMS || id == MCPT__K_ADDITIONAL || id == MCPT__K_ONE_OF ||
               id == MCPT__K_ANY_OF ? (unsigned)MCPT__LINT_SCHEMA : 0u;
    } else if (c == 'x') {
        why = (in & MCPT__LINT_CHAIN) != 0 && l->depth != 1 ? NULL : "only properties alone may lead to it";
        in = 0;                                             /* said even where the rest was named already */
    } else if (c == 'q' || c == 'd' || (key.len > 1 && key.ptr[0] == 'x' && key.ptr[1] == '-')) {
        why = NULL;
    } else if (c == 'a') {
        why = "not enforced: an annotation";
    } else if (mcpt_str_is(key, "$schema")) {
        (void)mcpt__sch_value(&t, &raw);
        why = mcpt__lint_class(raw, dialects) != '\0' ? NULL : "read as if it were draft 2020-12";
    }
    if (c == 's' || c == 'm' || c == 'd') {
        kind = c == 's' ? MCPT__LINT_SCHEMA : MCPT__LINT_MAP;
    }
    if (why != NULL && (in & MCPT__LINT_DEAD) == 0) {
        mcpt__lint_note(l, key, why);
    }
    return kind != 0 ? kind | dead | (in & MCPT__LINT_DEAD) : 0;
}

/* Goes into the container at the cursor. */
static bool mcpt__lint_enter(mcpt__lint *l, unsigned kind)
{
    unsigned schemas = 0;
    unsigned i;

    if (l->depth == MCPT_MAX_DEPTH) {
        return false;
    }
    if (*l->t.p == '[' && (kind & MCPT__LINT_SCHEMA) != 0) {
        kind ^= MCPT__LINT_SCHEMA | MCPT__LINT_LIST;
    }
    l->t.p++;
    l->level[l->depth].begin = l->t.p;
    l->level[l->depth].kind = kind;
    l->depth++;
    for (i = 0; i < l->depth; i++) {
        schemas += (l->level[i].kind & (MCPT__LINT_SCHEMA | MCPT__LINT_DEAD)) == MCPT__LINT_SCHEMA ? 1u : 0u;
    }
    return schemas <= MCPT__SCH_DEPTH;
}

/* Is there the same key before, in the innermost container? */
static bool mcpt__lint_twice(const mcpt__lint *l, mcpt_str key)
{
    mcpt__sch_text t = l->t;
    mcpt_str other;

    t.p = l->level[l->depth - 1].begin;
    while (mcpt__sch_key(&t, &other) && other.ptr != key.ptr) {
        if (mcpt__sch_same(other, key)) {
            return true;
        }
        (void)mcpt__sch_value(&t, &other);
    }
    return false;
}

static mcpt_err mcpt__lint_walk(mcpt__lint *l)
{
    bool fits = mcpt__lint_enter(l, MCPT__LINT_SCHEMA | MCPT__LINT_CHAIN);

    while (fits && l->depth != 0) {                         /* each step moves the cursor */
        unsigned in = l->level[l->depth - 1].kind;
        unsigned kind = MCPT__LINT_SCHEMA | (in & (MCPT__LINT_CHAIN | MCPT__LINT_DEAD));
        mcpt_str key = mcpt__mk(NULL, 0);
        char c;
        if ((in & MCPT__LINT_LIST) != 0 ? !mcpt__sch_next(&l->t, ']') : !mcpt__sch_key(&l->t, &key)) {
            l->depth--;
            continue;
        }
        if (key.ptr != NULL && mcpt__lint_twice(l, key)) {
            mcpt__lint_note(l, key, "comes twice");
        }
        if ((in & MCPT__LINT_SCHEMA) != 0) {
            kind = mcpt__lint_keyword(l, key, in);
        }
        c = mcpt__sch_peek(&l->t);
        if (kind != 0 && (c == '{' || c == '[')) {
            fits = mcpt__lint_enter(l, kind);
        } else {
            (void)mcpt__sch_value(&l->t, &key);
        }
    }
    return fits ? MCPT_OK : MCPT_E_DEPTH;
}

/* Does a valid header before h have the same name? */
static bool mcpt__header_twice(mcpt_str schema, const mcpt__headers *h)
{
    mcpt__headers before;

    mcpt__headers_init(&before, schema, mcpt__val(NULL, 0));
    while (mcpt__headers_next(&before) == MCPT_OK && before.header.ptr < h->header.ptr) {
        if (mcpt__header_ok(before.header) && before.header.len == h->header.len) {
            size_t i = 0;
            while (i < h->header.len && mcpt__lower(before.header.ptr[i]) == mcpt__lower(h->header.ptr[i])) {
                i++;
            }
            if (i == h->header.len) {
                return true;
            }
        }
    }
    return false;
}

/* The headers that stand where they may. */
static mcpt_err mcpt__lint_headers(mcpt__lint *l, mcpt_str schema)
{
    mcpt__headers h;
    mcpt_str raw;
    mcpt_err e;

    mcpt__headers_init(&h, schema, mcpt__val(NULL, 0));
    while ((e = mcpt__headers_next(&h)) == MCPT_OK) {
        const char *why = NULL;
        if (!mcpt__header_ok(h.header)) {
            why = "must be a string of RFC 9110 tchar, not empty";
        } else if (mcpt__header_twice(schema, &h)) {
            why = "another property has this header";
        } else if (mcpt__sch_find(h.t, h.inner, "type", &raw) != MCPT_STRING || !mcpt__lint_is_type(raw)) {
            why = "the type of its property must be string, integer or boolean";
        }
        if (why != NULL) {
            mcpt__lint_note(l, mcpt_z("x-mcp-header"), why);
        }
    }
    return e == MCPT_E_ABSENT ? MCPT_OK : e;
}

MCPT_API mcpt_err mcpt_schema_lint(mcpt_str schema, mcpt__note_fn note, void *user)
{
    mcpt__lint l;
    mcpt_scan s;
    mcpt_str raw;
    mcpt_err e;

    mcpt_scan_init(&s, NULL, 0, NULL);
    e = mcpt_scan_feed(&s, schema.ptr, schema.len);         /* from here on it is sound and not too deep */
    if (e != MCPT_OK) {
        return e == MCPT_E_DEPTH ? e : MCPT_E_JSON;
    }
    MCPT_MEMSET(&l, 0, sizeof(l));
    mcpt__sch_open(&l.t, schema);
    l.note = note;
    l.user = user;
    if (mcpt__sch_peek(&l.t) != '{') {
        return MCPT_E_JSON;
    }
    if (mcpt__sch_find(l.t, l.t.p, "type", &raw) != MCPT_STRING || !mcpt_str_is(raw, "\"object\"")) {
        mcpt__lint_note(&l, mcpt_z("type"), "the root must have \"type\":\"object\"");
    }
    e = mcpt__lint_walk(&l);
    if (e == MCPT_OK) {
        e = mcpt__lint_headers(&l, schema);
    }
    return e != MCPT_OK ? e : l.noted ? MCPT_E_PARAMS : MCPT_OK;
}

/* >>env: implementation ----------------------------------------------------------------------------------- */

static int64_t mcpt__wall(const mcpt_env *env)              /* Unix seconds; negative: the clock is not set */
{
    return env->unix_time != NULL ? env->unix_time(env->user) : -1;
}

MCPT_API bool mcpt_store_key_ok(const char *key, size_t max)
{
    size_t n = key != NULL ? MCPT_STRLEN(key) : 0;

    return n != 0 && n <= max && mcpt__take_set(mcpt__set_host, key, n) == n;
}

MCPT_API mcpt_err mcpt_store_swap(const mcpt_store *store, const char *key, mcpt_str old, mcpt_str value, void *buf, size_t cap)
{
    mcpt_err e;
    size_t len = 0;

    if (store->swap != NULL) {
        return store->swap(store->user, key, old, value);
    }
    e = store->read(store->user, key, buf, cap, &len);
    if (e == MCPT_E_ABSENT) {
        e = old.ptr == NULL ? MCPT_OK : MCPT_E_CONFLICT;
    } else if (e == MCPT_OK || (e == MCPT_E_SPACE && (old.ptr == NULL || len != old.len))) {
        e = old.ptr != NULL && len == old.len && mcpt_same(buf, old.ptr, len) ? MCPT_OK : MCPT_E_CONFLICT;
    }
    if (buf != NULL) {
        mcpt_wipe(buf, cap);
    }
    if (e != MCPT_OK) {
        return e;
    }
    return value.ptr != NULL ? store->write(store->user, key, value) : store->erase(store->user, key);
}

MCPT_API bool mcpt_rsa_ok(const mcpt_rsa *key)
{
    return key->n_len >= 256 && key->n_len <= 512 && key->n[0] >= (key->n_len == 256 ? 0x80 : 1) &&
           (key->n[key->n_len - 1] & 1) != 0 && key->e_len >= 1 && key->e_len <= 4 && key->e[0] >= (key->e_len == 1 ? 3 : 1) &&
           (key->e[key->e_len - 1] & 1) != 0;
}

/* >>io: implementation ------------------------------------------------------------------------------------ */

static uint32_t mcpt__peak(uint32_t peak, uint32_t now)
{
    return now > peak ? now : peak;
}

MCPT_API unsigned mcpt_io_want(mcpt_io *io)
{
    return io->run(io);
}

MCPT_API char *mcpt_io_rx(mcpt_io *io, size_t *cap)
{
    *cap = 0;
    if ((io->want & MCPT_WANT_RX) == 0 || io->rx == NULL || io->rx_len >= io->rx_cap) {
        return NULL;
    }
    *cap = io->rx_cap - io->rx_len;
    return io->rx + io->rx_len;
}

MCPT_API void mcpt_io_rx_ack(mcpt_io *io, size_t n)
{
    MCPT_ASSERT(n <= io->rx_cap - io->rx_len);
    if (n > io->rx_cap - io->rx_len) {
        n = io->rx_cap - io->rx_len;
    }
    io->rx_len += (uint32_t)n;
    io->peak_rx = mcpt__peak(io->peak_rx, io->rx_len);
}

MCPT_API const char *mcpt_io_tx(mcpt_io *io, size_t *len)
{
    *len = (io->want & MCPT_WANT_CONNECT) == 0 ? io->tx_len - io->tx_at : 0;    /* the old transport must not get what is for the new one */
    return *len != 0 ? io->tx + io->tx_at : NULL;
}

MCPT_API void mcpt_io_tx_ack(mcpt_io *io, size_t n)
{
    MCPT_ASSERT(n <= io->tx_len - io->tx_at);
    if (n > io->tx_len - io->tx_at) {
        n = io->tx_len - io->tx_at;
    }
    io->tx_at += (uint32_t)n;
}

MCPT_API void mcpt_io_eof(mcpt_io *io)
{
    io->eof = 1;
}

MCPT_API mcpt_peak mcpt_io_peak(const mcpt_io *io)
{
    mcpt_peak p;

    p.rx = io->peak_rx;
    p.tx = io->peak_tx;
    p.tok = io->peak_tok;
    return p;
}

/* >>exchange: implementation ------------------------------------------------------------------------------ */

/* A number of seconds at the front of a text, at most a day; -1: none is there. */
static int32_t mcpt__seconds(mcpt_str s)
{
    int32_t v = 0;
    size_t i;

    for (i = 0; i < s.len && mcpt__digit(s.ptr[i]); i++) {
        v = v < 86400 ? v * 10 + (s.ptr[i] - '0') : v;
    }
    return i == 0 ? -1 : v < 86400 ? v : 86400;
}

/* -- the head of a request, here and in >>client */
static void mcpt__add_field(mcpt__text *t, const char *name, mcpt_str value)        /* nothing for an absent value; name NULL: only the value */
{
    if (value.ptr != NULL) {
        mcpt__addz(t, name);
        mcpt__addz(t, name != NULL ? ": " : "");
        mcpt__add(t, value);
        mcpt__addz(t, "\r\n");
    }
}

static mcpt__text mcpt__add_request(char *buf, size_t cap, const char *method, const mcpt_url *u)
{
    mcpt__text t = mcpt__text_on(buf, cap);

    mcpt__addz(&t, method);
    mcpt__addz(&t, u->path.len != 0 ? " " : " /");
    mcpt__add(&t, u->path);
    mcpt__addz(&t, u->query.ptr != NULL ? "?" : "");
    mcpt__add(&t, u->query);
    mcpt__addz(&t, " HTTP/1.1\r\n");
    mcpt__add_field(&t, "Host", mcpt__mk(u->host.ptr, (size_t)(u->path.ptr - u->host.ptr)));
    return t;
}

static void mcpt__add_end(mcpt__text *t, bool body, size_t len)
{
    char digits[10];

    mcpt__add_field(t, "Content-Length", body ? mcpt__digits(digits, (uint32_t)len) : mcpt__mk(NULL, 0));
    mcpt__addz(t, "\r\n");
}

#if !MCPT_NO_HTTP
/* -- one request and its answer on a connection (RFC 9112): a request out of tx and body, a head, its body in pieces */
enum { MCPT__LK_FREE, MCPT__LK_CONNECT, MCPT__LK_SEND, MCPT__LK_HEAD, MCPT__LK_BODY, MCPT__LK_LAST };  /* mcpt_link.state */
enum { MCPT__LK_UP = 1, MCPT__LK_CLOSE = 2, MCPT__LK_EOF = 4, MCPT__LK_FRESH = 8 };    /* .flags */
enum { MCPT__EV_NONE, MCPT__EV_HEAD, MCPT__EV_BODY, MCPT__EV_END, MCPT__EV_FAIL };     /* FAIL: io->err says why */

static void mcpt__link_init(mcpt_io *io, mcpt_link *l, void *rx, size_t rx_size, void *tx, size_t tx_size)
{
    io->rx = (char *)rx;
    io->rx_cap = (uint32_t)rx_size;
    io->tx = l->tx = (char *)tx;
    io->tx_cap = (uint32_t)tx_size;
}

/* A request of n bytes stands in tx, its body elsewhere: send both, over the connection there is when it leads there. */
static bool mcpt__link_begin(mcpt_io *io, mcpt_link *l, const mcpt_url *u, size_t n, mcpt_str body)
{
    const bool tls = mcpt_str_ieq(u->scheme, "https");
    const uint16_t port = (uint16_t)mcpt__url_port(u);
    const mcpt_str host = u->host.ptr[0] == '[' ? mcpt__mk(u->host.ptr + 1, u->host.len - 2) : u->host;
    mcpt_origin *o = &l->origin;

    if (host.len >= sizeof(o->host)) {
        return false;
    }
    if (port != o->port || tls != o->tls || !mcpt_str_is(host, o->host)) {
        MCPT_MEMCPY(o->host, host.ptr, host.len);
        o->host[host.len] = '\0';
        o->port = port;
        o->tls = tls;
        l->flags = 0;
    }
    l->flags &= (uint8_t)~(unsigned)MCPT__LK_EOF;
    l->state = (l->flags & (MCPT__LK_UP | MCPT__LK_CLOSE)) == MCPT__LK_UP && !io->eof && io->rx_len == 0 ? (uint8_t)MCPT__LK_SEND :
               (uint8_t)MCPT__LK_CONNECT;
    io->eof = 0;
    io->err = MCPT_OK;
    io->tx = l->tx;
    io->tx_at = 0;
    io->tx_len = (uint32_t)n;
    io->peak_tx = mcpt__peak(io->peak_tx, (uint32_t)n);
    l->body = body;
    l->used = 0;
    mcpt_head_init(&l->head, true);
    return true;
}

static void mcpt__link_connected(mcpt_io *io, mcpt_link *l)
{
    io->eof = 0;
    io->rx_len = 0;
    l->flags = (uint8_t)((l->flags & ~(unsigned)MCPT__LK_CLOSE) | MCPT__LK_UP | MCPT__LK_FRESH);
    l->state = l->state == MCPT__LK_CONNECT ? (uint8_t)MCPT__LK_SEND : l->state;
}

/* Leaves what is going on; the connection cannot be used again. */
static void mcpt__link_drop(mcpt_io *io, mcpt_link *l)
{
    l->state = MCPT__LK_FREE;
    l->flags = (uint8_t)((l->flags & ~(unsigned)MCPT__LK_UP) | MCPT__LK_CLOSE);
    mcpt_wipe(l->tx, io->tx_cap);                           /* it had the Authorization */
    io->tx = l->tx;
    io->tx_at = io->tx_len = io->rx_len = 0;
}

/* What the transport says of its end counts more than that it ended. */
static unsigned mcpt__link_fail(mcpt_io *io, mcpt_link *l, mcpt_err e)
{
    mcpt__link_drop(io, l);
    io->err = e == MCPT_E_CLOSED && io->err != MCPT_OK ? io->err : e;
    return MCPT__EV_FAIL;
}

/* How the body of this answer ends, RFC 9112 section 6.3. */
static void mcpt__link_framed(mcpt_io *io, mcpt_link *l)
{
    mcpt_head *h = &l->head;

    if (l->state == MCPT__LK_SEND) {
        mcpt_wipe(l->tx, io->tx_cap); /* it came before the request was out */
        l->flags |= MCPT__LK_CLOSE;
    }
    l->state = MCPT__LK_BODY;
    l->used = h->at;
    l->left = (h->flags & MCPT_HEAD_LENGTH) != 0 ? h->length : (uint64_t)-1;
    if (h->status == 204 || h->status == 304) {
        l->left = 0;
        h->flags &= (uint8_t)~(unsigned)MCPT_HEAD_CHUNKED;
    } else if ((h->flags & (MCPT_HEAD_CHUNKED | MCPT_HEAD_LENGTH)) == 0) {
        l->flags |= MCPT__LK_EOF | MCPT__LK_CLOSE;
    }
    MCPT_MEMSET(&l->chunked, 0, sizeof(l->chunked));
    l->flags |= (h->flags & MCPT_HEAD_CLOSE) != 0 ? MCPT__LK_CLOSE : 0;
    io->tx_at = io->tx_len = 0;
}

static unsigned mcpt__link_head(mcpt_io *io, mcpt_link *l)
{
    for (;;) {
        mcpt_err e = mcpt_head_parse(&l->head, io->rx, io->rx_len);
        if (e == MCPT_OK && l->head.status >= 200) {
            mcpt__link_framed(io, l);
            return MCPT__EV_HEAD;
        }
        if (e == MCPT_OK && l->head.status != 101) {        /* interim: another head follows */
            io->rx_len -= l->head.at;
            MCPT_MEMMOVE(io->rx, io->rx + l->head.at, io->rx_len);
            mcpt_head_init(&l->head, true);
            continue;
        }
        if (e != MCPT_PENDING || io->rx_len == io->rx_cap) {
            return mcpt__link_fail(io, l, e != MCPT_PENDING ? MCPT_E_HTTP : MCPT_E_LIMIT);
        }
        return io->eof ? mcpt__link_fail(io, l, MCPT_E_CLOSED) : (unsigned)MCPT__EV_NONE;
    }
}

/* The next piece of the body: l->body, until the next call. */
static unsigned mcpt__link_more(mcpt_io *io, mcpt_link *l)
{
    size_t n = io->rx_len - l->used, used = n;
    mcpt_err e = MCPT_PENDING;

    if (l->used != 0) {               /* what was handed over before */
        MCPT_MEMMOVE(io->rx, io->rx + l->used, n);
        io->rx_len = (uint32_t)n;
        l->used = 0;
    }
    if ((l->head.flags & MCPT_HEAD_CHUNKED) != 0) {
        e = mcpt_chunked_decode(&l->chunked, io->rx, &n, &used);
        if (e < 0) {
            return mcpt__link_fail(io, l, e);
        }
    } else {
        n = used = n < l->left ? n : (size_t)l->left;
        l->left -= (l->flags & MCPT__LK_EOF) == 0 ? n : 0;
        e = l->left == 0 ? MCPT_OK : MCPT_PENDING;
    }
    l->used = (uint32_t)used;
    l->body = mcpt__mk(io->rx, n);
    if (e == MCPT_OK) {
        l->state = MCPT__LK_LAST;
    }
    if (n != 0) {
        return MCPT__EV_BODY;
    }
    if (e == MCPT_OK || (io->eof && io->err == MCPT_OK && (l->flags & MCPT__LK_EOF) != 0)) {
        l->state = MCPT__LK_LAST;
        return MCPT__EV_NONE;
    }
    return io->eof ? mcpt__link_fail(io, l, MCPT_E_CLOSED) : (unsigned)MCPT__EV_NONE;
}

/* What has happened; NONE: bytes must move first. */
static unsigned mcpt__link_step(mcpt_io *io, mcpt_link *l)
{
    unsigned ev;

    switch (l->state) {
    case MCPT__LK_CONNECT:
        return io->eof ? mcpt__link_fail(io, l, MCPT_E_CLOSED) : (unsigned)MCPT__EV_NONE;
    case MCPT__LK_SEND:
        if (io->eof && io->rx_len == 0 && (l->flags & MCPT__LK_FRESH) == 0 && io->tx == l->tx && io->tx_at == 0) {
            l->flags &= (uint8_t)~(unsigned)MCPT__LK_UP;    /* an idle connection may have gone: try a new one, once */
            l->state = MCPT__LK_CONNECT;
            io->eof = 0;
            io->err = MCPT_OK;
            return MCPT__EV_NONE;
        }
        if (io->tx_at == io->tx_len && l->body.len != 0) {
            io->tx = (char *)(uintptr_t)l->body.ptr;        /* only read */
            io->tx_at = 0;
            io->tx_len = (uint32_t)l->body.len;
            l->body.len = 0;
        }
        if (io->tx_at == io->tx_len) {
            l->flags &= (uint8_t)~(unsigned)MCPT__LK_FRESH;
            mcpt_wipe(l->tx, io->tx_cap);
            l->state = MCPT__LK_HEAD;
        }
        return mcpt__link_head(io, l);                      /* an answer may come before everything is sent */
    case MCPT__LK_HEAD:
        return mcpt__link_head(io, l);
    case MCPT__LK_BODY:
        ev = mcpt__link_more(io, l);
        if (ev != MCPT__EV_NONE || l->state != MCPT__LK_LAST) {
            return ev;
        }
        /* fall through */
    case MCPT__LK_LAST:
        io->rx_len -= l->used;
        MCPT_MEMMOVE(io->rx, io->rx + l->used, io->rx_len);
        l->used = 0;
        l->state = MCPT__LK_FREE;
        if ((l->flags & MCPT__LK_CLOSE) != 0) {
            l->flags &= (uint8_t)~(unsigned)MCPT__LK_UP;
            io->rx_len = 0;
        }
        return MCPT__EV_END;
    default:
        if (io->eof) {
            l->flags &= (uint8_t)~(unsigned)MCPT__LK_UP;
        }
        return MCPT__EV_NONE;
    }
}
#endif /* !MCPT_NO_HTTP */

#if !MCPT_NO_EXCHANGE
static void mcpt__exchange_end(mcpt_exchange *x, mcpt_err e)
{
    mcpt__link_drop(&x->io, &x->link);
    x->io.err = e;
    x->fetch.done(x->fetch.user, e);
}

/* The head of the request into tx; its length, 0: larger than that. */
static uint32_t mcpt__exchange_head(const mcpt_exchange *x)
{
    const mcpt_fetch *f = &x->fetch;
    mcpt__text t;
    mcpt_url u;

    (void)mcpt_url_split(f->url, &u);
    t = mcpt__add_request(x->link.tx, x->io.tx_cap, f->method != NULL ? f->method : "GET", &u);
    mcpt__addz(&t, "Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n");
    mcpt__add_field(&t, "Authorization", f->authorization);
    mcpt__add(&t, f->fields);
    mcpt__add_field(&t, "Content-Type", mcpt_z(f->content_type));
    mcpt__add_end(&t, f->content_type != NULL, f->body.len);
    return t.full ? 0 : (uint32_t)(t.at - x->link.tx);
}

/* What one event means. Negative: the request is done with that. */
static mcpt_err mcpt__exchange_on(mcpt_exchange *x, unsigned ev)
{
    mcpt_link *l = &x->link;
    mcpt_str coding;
    mcpt_err e;

    if (ev == MCPT__EV_HEAD) {
        coding = mcpt_exchange_field(x, MCPT_F_CONTENT_ENCODING);
        if (x->fetch.method != NULL && mcpt_str_is(mcpt_z(x->fetch.method), "HEAD")) {
            l->left = 0;
            l->head.flags = 0;
        }
        e = coding.ptr != NULL && !mcpt_str_ieq(coding, "identity") ? MCPT_E_HTTP : x->fetch.head(x->fetch.user, x, l->head.status);
        return e >= 0 && (l->head.flags & (MCPT_HEAD_CHUNKED | MCPT_HEAD_LENGTH)) == MCPT_HEAD_LENGTH && l->left > x->fetch.limit ? MCPT_E_LIMIT : e;
    }
    if (ev == MCPT__EV_BODY) {
        if (l->body.len > x->fetch.limit - x->got) {
            return MCPT_E_LIMIT;
        }
        x->got += (uint32_t)l->body.len;
        return x->fetch.piece(x->fetch.user, l->body.ptr, l->body.len);
    }
    return ev == MCPT__EV_FAIL ? x->io.err : MCPT_OK;
}

static unsigned mcpt__exchange_run(mcpt_io *io)
{
    mcpt_exchange *x = (mcpt_exchange *)io;    /* io is its first member */
    unsigned ev;

    while (x->link.state > MCPT__LK_CONNECT && (ev = mcpt__link_step(io, &x->link)) != MCPT__EV_NONE) {
        const mcpt_err e = mcpt__exchange_on(x, ev);
        if (ev >= MCPT__EV_END || (e < 0 && x->link.state > MCPT__LK_CONNECT)) {   /* head and piece may have stopped it */
            mcpt__exchange_end(x, e);
        }
    }
    if (x->link.state <= MCPT__LK_CONNECT) {    /* over; another may be under way, on a connection of its own */
        io->want = MCPT_CLOSED;
    } else {
        io->want = (uint8_t)((io->tx_at != io->tx_len ? MCPT_WANT_TX : 0) | (io->eof == 0 ? MCPT_WANT_RX : 0));
    }
    return io->want;
}

MCPT_API mcpt_err mcpt_exchange_init(mcpt_exchange *x, const mcpt_env *env, void *rx, size_t rx_size, void *tx, size_t tx_size,
                                     uint32_t timeout_ms, bool loopback)
{
    if (env == NULL || env->millis == NULL || rx == NULL || tx == NULL || rx_size < MCPT_EXCHANGE_MIN ||
        tx_size < MCPT_EXCHANGE_MIN || rx_size > 0x7fffffff || tx_size > 0x7fffffff) {
        return MCPT_E_ARG;
    }
    MCPT_MEMSET(x, 0, sizeof(*x));
    x->io.run = mcpt__exchange_run;
    x->io.want = MCPT_CLOSED;
    mcpt__link_init(&x->io, &x->link, rx, rx_size, tx, tx_size);
    x->env = env;
    x->timeout_ms = timeout_ms != 0 ? timeout_ms : 10000;
    x->loopback = loopback;
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_exchange_start(mcpt_exchange *x, const mcpt_fetch *fetch)
{
    mcpt_url u;
    size_t i;

    if (mcpt_exchange_busy(x)) {
        return MCPT_E_STATE;
    }
    if (fetch->url.ptr == NULL || !mcpt_url_split(fetch->url, &u) || fetch->body.len > UINT32_MAX / 2) {
        return MCPT_E_ARG;
    }
    if ((!mcpt_str_ieq(u.scheme, "https") && (!mcpt_str_ieq(u.scheme, "http") || !x->loopback || !mcpt__loopback(u.host))) ||
        u.host.ptr[u.host.len - 1] == '.') {
        return MCPT_E_ARG;
    }
    for (i = 0; i < fetch->authorization.len; i++) {
        if (fetch->authorization.ptr[i] < 0x20 || fetch->authorization.ptr[i] > 0x7e) {
            return MCPT_E_ARG;
        }
    }
    x->fetch = *fetch;
    x->fetch.limit = fetch->limit != 0 ? fetch->limit : 65536;
    if (mcpt__exchange_head(x) == 0) {
        mcpt_wipe(x->link.tx, x->io.tx_cap);
        return MCPT_E_SPACE;
    }
    if (!mcpt__link_begin(&x->io, &x->link, &u, 0, fetch->body)) {
        return MCPT_E_ARG;
    }
    x->deadline = x->env->millis(x->env->user) + x->timeout_ms;
    x->number++;
    return MCPT_OK;
}

MCPT_API bool mcpt_exchange_busy(const mcpt_exchange *x)
{
    return x->link.state != MCPT__LK_FREE;
}

MCPT_API void mcpt_exchange_stop(mcpt_exchange *x)
{
    mcpt_exchange_fail(x, MCPT_E_CANCELLED);
}

MCPT_API mcpt_str mcpt_exchange_field(const mcpt_exchange *x, mcpt_field f)
{
    return mcpt_head_get(&x->link.head, x->io.rx, f);
}

MCPT_API uint32_t mcpt_exchange_retry_after(const mcpt_exchange *x)
{
    int32_t v = mcpt__seconds(mcpt_exchange_field(x, MCPT_F_RETRY_AFTER));

    return v > 0 ? (uint32_t)v : 0;
}

MCPT_API int32_t mcpt_exchange_max_age(const mcpt_exchange *x)
{
    mcpt_str list = mcpt_exchange_field(x, MCPT_F_CACHE_CONTROL);
    mcpt_str word;
    int32_t age = -1;
    bool zero;

    while (mcpt__list_next(&list, &word, &zero)) {
        if (mcpt_str_ieq(word, "no-store") || mcpt_str_ieq(word, "no-cache")) {
            return 0;
        }
        if (word.len > 8 && mcpt_str_ieq(mcpt__mk(word.ptr, 8), "max-age=")) {
            age = mcpt__seconds(mcpt__mk(word.ptr + 8, word.len - 8));
        }
    }
    return age;
}

MCPT_API const mcpt_origin *mcpt_exchange_origin(const mcpt_exchange *x)
{
    return x->link.state == MCPT__LK_CONNECT ? &x->link.origin : NULL;
}

/* Networks that are not the public internet (RFC 6890 and its registries): address, bits. */
static bool mcpt__address_public4(const uint8_t *a)
{
    static const uint8_t nets[][5] = {
        { 0, 0, 0, 0, 8 }, { 10, 0, 0, 0, 8 }, { 100, 64, 0, 0, 10 }, { 127, 0, 0, 0, 8 }, { 169, 254, 0, 0, 16 },
        { 172, 16, 0, 0, 12 }, { 192, 0, 0, 0, 24 }, { 192, 0, 2, 0, 24 }, { 192, 88, 99, 0, 24 }, { 192, 168, 0, 0, 16 },
        { 198, 18, 0, 0, 15 }, { 198, 51, 100, 0, 24 }, { 203, 0, 113, 0, 24 }, { 224, 0, 0, 0, 3 }
    };
    uint32_t v = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
    size_t i;

    for (i = 0; i < MCPT_COUNT(nets); i++) {
        uint32_t net = (uint32_t)nets[i][0] << 24 | (uint32_t)nets[i][1] << 16 | (uint32_t)nets[i][2] << 8;

        if ((v ^ net) >> (32 - nets[i][4]) == 0) {
            return false;
        }
    }
    return true;
}

static bool mcpt__address_public6(const uint8_t *a)
{
    static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0 };

    if (MCPT_MEMCMP(a, nat64, 12) == 0) {
        return mcpt__address_public4(a + 12);
    }
    if (a[0] == 0x20 && a[1] == 2) {  /* 6to4 */
        return mcpt__address_public4(a + 2);
    }
    /* global unicast, 2000::/3, without protocol assignments (Teredo among them) and documentation */
    return (a[0] & 0xe0) == 0x20 && !(a[0] == 0x20 && a[1] == 1 && (a[2] < 2 || (a[2] == 0x0d && a[3] == 0xb8))) &&
           !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10);
}

static const uint8_t mcpt__mapped[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 };

MCPT_API bool mcpt_address_public(const void *address, size_t len)
{
    const uint8_t *a = (const uint8_t *)address;

    return len == 4 ? mcpt__address_public4(a) : len == 16 && MCPT_MEMCMP(a, mcpt__mapped, 12) == 0 ? mcpt__address_public4(a + 12) :
           len == 16 && mcpt__address_public6(a);
}

MCPT_API bool mcpt_exchange_address_ok(const mcpt_exchange *x, const void *address, size_t len)
{
    const uint8_t *const mapped = mcpt__mapped;
    const uint8_t *a = (const uint8_t *)address;
    mcpt_url u;
    bool loop;

    if (len == 16 && MCPT_MEMCMP(a, mapped, 12) == 0) {
        a += 12;
        len = 4;
    }
    loop = len == 4 ? a[0] == 127 : len == 16 && MCPT_MEMCMP(a, mapped, 10) == 0 && MCPT_MEMCMP(a + 10, mapped, 5) == 0 && a[15] <= 1;
    if ((len != 4 && len != 16) || !mcpt_url_split(x->fetch.url, &u) || a[0] == (len == 4 ? 0 : 0xff)) {
        return false;
    }
    if (mcpt__loopback(u.host)) {
        return loop && (x->loopback || x->fetch.trusted);
    }
    return x->fetch.trusted ? !loop && (len == 16 || a[0] < 224) : mcpt_address_public(a, len);
}

MCPT_API void mcpt_exchange_connected(mcpt_exchange *x)
{
    if (x->link.state == MCPT__LK_CONNECT) {
        mcpt__link_connected(&x->io, &x->link);
        x->io.err = MCPT_OK;
        x->io.tx_len = mcpt__exchange_head(x);
        x->got = 0;
    }
}

MCPT_API void mcpt_exchange_fail(mcpt_exchange *x, mcpt_err e)
{
    if (mcpt_exchange_busy(x)) {
        mcpt__exchange_end(x, e < 0 ? e : MCPT_E_IO);
    }
}

MCPT_API uint32_t mcpt_exchange_due(const mcpt_exchange *x)
{
    uint32_t left = x->deadline - x->env->millis(x->env->user);

    return x->link.state == MCPT__LK_FREE ? (uint32_t)-1 : left <= x->timeout_ms ? left : 0;
}
#endif /* !MCPT_NO_EXCHANGE */

/* >>metadata: implementation ------------------------------------------------------------------------------ */
#if !MCPT_NO_METADATA
typedef struct mcpt__meta {           /* a document being written */
    mcpt_writer *w;
    const char *base;                 /* what relative endpoints stand below */
    const mcpt_prop *props;
    size_t nprops;
    uint32_t used;                    /* bit i: props[i] is written, or dropped what it names */
} mcpt__meta;
/* How the text of a setting becomes a value: string, array of its words, JSON as it is, endpoint, text behind base. */
enum { MCPT__META_TEXT, MCPT__META_WORDS, MCPT__META_JSON, MCPT__META_ENDPOINT, MCPT__META_PASTE };
typedef struct mcpt__meta_row { const char *key, *fallback; uint8_t kind, at; } mcpt__meta_row;   /* at: pointers into the struct */
#define MCPT__PRM(name, kind, fallback) { #name, (fallback), MCPT__META_##kind, (uint8_t)(offsetof(mcpt_prm, name) / sizeof(char *)) }
#define MCPT__ASM(name, kind, fallback) { #name, (fallback), MCPT__META_##kind, (uint8_t)(offsetof(mcpt_as_meta, name) / sizeof(char *)) }
static const mcpt__meta_row mcpt__prm_rows[] = {
    MCPT__PRM(resource, TEXT, NULL), MCPT__PRM(authorization_servers, WORDS, NULL), MCPT__PRM(jwks_uri, TEXT, NULL),
    MCPT__PRM(scopes_supported, WORDS, NULL), MCPT__PRM(bearer_methods_supported, WORDS, "header"),
    MCPT__PRM(resource_signing_alg_values_supported, WORDS, NULL), MCPT__PRM(resource_name, TEXT, NULL),
    MCPT__PRM(resource_documentation, TEXT, NULL), MCPT__PRM(resource_policy_uri, TEXT, NULL),
    MCPT__PRM(resource_tos_uri, TEXT, NULL), MCPT__PRM(tls_client_certificate_bound_access_tokens, JSON, NULL),
    MCPT__PRM(authorization_details_types_supported, WORDS, NULL),
    MCPT__PRM(dpop_signing_alg_values_supported, WORDS, NULL), MCPT__PRM(dpop_bound_access_tokens_required, JSON, NULL),
    MCPT__PRM(signed_metadata, TEXT, NULL)
};
static const mcpt__meta_row mcpt__as_rows[] = {
    MCPT__ASM(issuer, TEXT, NULL), MCPT__ASM(authorization_endpoint, ENDPOINT, "authorize"),
    MCPT__ASM(token_endpoint, ENDPOINT, "token"), MCPT__ASM(registration_endpoint, ENDPOINT, "register"),
    MCPT__ASM(userinfo_endpoint, ENDPOINT, "userinfo"), MCPT__ASM(jwks_uri, ENDPOINT, ".well-known/jwks.json"),
    MCPT__ASM(revocation_endpoint, ENDPOINT, NULL), MCPT__ASM(introspection_endpoint, ENDPOINT, NULL),
    MCPT__ASM(device_authorization_endpoint, ENDPOINT, NULL), MCPT__ASM(pushed_authorization_request_endpoint, ENDPOINT, NULL),
    MCPT__ASM(scopes_supported, WORDS, NULL), MCPT__ASM(response_types_supported, WORDS, "code"),
    MCPT__ASM(response_modes_supported, WORDS, "query"),
    MCPT__ASM(grant_types_supported, WORDS, "authorization_code refresh_token"),
    MCPT__ASM(subject_types_supported, WORDS, NULL), MCPT__ASM(id_token_signing_alg_values_supported, WORDS, NULL),
    MCPT__ASM(token_endpoint_auth_methods_supported, WORDS, "none client_secret_basic client_secret_post"),
    MCPT__ASM(claims_supported, WORDS, NULL), MCPT__ASM(code_challenge_methods_supported, WORDS, "S256"),
    MCPT__ASM(authorization_response_iss_parameter_supported, JSON, NULL),
    MCPT__ASM(client_id_metadata_document_supported, JSON, NULL),
    MCPT__ASM(dpop_signing_alg_values_supported, WORDS, NULL), MCPT__ASM(service_documentation, TEXT, NULL)
};

static bool mcpt__left_out(const char *z)
{
    return z == NULL || mcpt_str_is(mcpt_z(z), MCPT_OMIT);
}

/* The length of scheme and authority at the front of a URL. */
static size_t mcpt__origin_len(const char *url, size_t n)
{
    size_t i = 0;
    unsigned slashes = 0;

    while (i < n && url[i] != '?' && (slashes < 2 || url[i] != '/')) {
        slashes += url[i++] == '/' ? 1u : 0u;
    }
    return i;
}

static void mcpt__put_endpoint(const mcpt__meta *m, const char *value, bool paste)
{
    size_t n = MCPT_STRLEN(m->base);
    size_t scheme = 0;

    while (mcpt__alpha(value[scheme])) {
        scheme++;
    }
    if (!paste && value[scheme] == ':') {
        mcpt_put_z(m->w, value);
        return;
    }
    if (!paste) {
        n = value[0] == '/' ? mcpt__origin_len(m->base, n) : n - (n != 0 && m->base[n - 1] == '/' ? 1u : 0u);
    }
    mcpt_str_begin(m->w);
    mcpt_str_add(m->w, mcpt__mk(m->base, n));
    mcpt_str_add(m->w, mcpt_z(paste || value[0] == '/' ? "" : "/"));
    mcpt_str_add(m->w, mcpt_z(value));
    mcpt_str_end(m->w);
}

/* One member: what props say about it, or else the setting. */
static void mcpt__meta_put(mcpt__meta *m, const char *key, unsigned kind, const char *value)
{
    mcpt_str word;
    size_t i;

    for (i = 0; i < m->nprops; i++) {
        if (mcpt_str_is(mcpt_z(key), m->props[i].key)) {
            m->used |= (uint32_t)1 << i;
            kind = MCPT__META_JSON;
            value = m->props[i].json;
        }
    }
    if (mcpt__left_out(value)) {
        return;
    }
    mcpt_key(m->w, key);
    if (kind == MCPT__META_TEXT) {
        mcpt_put_z(m->w, value);
    } else if (kind == MCPT__META_JSON) {
        mcpt_put_raw(m->w, mcpt_z(value));
    } else if (kind == MCPT__META_WORDS) {
        mcpt_arr(m->w);
        while (mcpt__word(&value, &word)) {
            mcpt_put_str(m->w, word);
        }
        mcpt_end(m->w);
    } else {
        mcpt__put_endpoint(m, value, kind == MCPT__META_PASTE);
    }
}

static void mcpt__meta_open(mcpt__meta *m, mcpt_writer *w, const char *base, const mcpt_prop *props, size_t nprops)
{
    m->w = w;
    m->base = base;
    m->props = props;
    m->nprops = nprops <= 32 ? nprops : 0;
    m->used = 0;
    if (base == NULL || nprops > 32) {
        mcpt__w_fail(w, base == NULL ? MCPT_E_ARG : MCPT_E_LIMIT);
    }
    mcpt_obj(w);
}

static void mcpt__meta_rows(mcpt__meta *m, const mcpt__meta_row *rows, size_t n, const void *settings)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const char *value;

        MCPT_MEMCPY(&value, (const char *)settings + rows[i].at * sizeof(char *), sizeof(value));
        mcpt__meta_put(m, rows[i].key, rows[i].kind, value != NULL ? value : rows[i].fallback);
    }
}

static void mcpt__meta_close(mcpt__meta *m)
{
    size_t i;

    for (i = 0; i < m->nprops; i++) { /* those that are no member's; the first of a key stands for all of them */
        if ((m->used >> i & 1u) == 0) {
            mcpt__meta_put(m, m->props[i].key, MCPT__META_JSON, NULL);
        }
    }
    mcpt_end(m->w);
}

/* The document of @clerk/mcp-tools; what it says about the token endpoint is not what the RFCs mean. */
static void mcpt__seed_members(mcpt__meta *m, const mcpt_prm *d, mcpt_str server)
{
    char issuer[MCPT_CLERK_ISSUER];

    if (server.len >= sizeof(issuer)) {
        mcpt__w_fail(m->w, MCPT_E_SPACE);
        return;
    }
    MCPT_MEMCPY(issuer, server.ptr, server.len);
    issuer[server.len] = '\0';
    m->base = issuer;
    mcpt__meta_put(m, "resource", MCPT__META_TEXT, d->resource);
    mcpt__meta_put(m, "authorization_servers", MCPT__META_WORDS, issuer);
    mcpt__meta_put(m, "token_types_supported", MCPT__META_WORDS, "urn:ietf:params:oauth:token-type:access_token");
    mcpt__meta_put(m, "token_introspection_endpoint", MCPT__META_PASTE, "/oauth/token");
    mcpt__meta_put(m, "token_introspection_endpoint_auth_methods_supported", MCPT__META_WORDS,
                   "client_secret_post client_secret_basic");
    mcpt__meta_put(m, "jwks_uri", MCPT__META_PASTE, "/.well-known/jwks.json");
    mcpt__meta_put(m, "authorization_data_types_supported", MCPT__META_WORDS, "oauth_scope");
    mcpt__meta_put(m, "authorization_data_locations_supported", MCPT__META_WORDS, "header body");
    mcpt__meta_put(m, "key_challenges_supported", MCPT__META_JSON,
                   "[{\"challenge_type\":\"urn:ietf:params:oauth:pkce:code_challenge\",\"challenge_algs\":[\"S256\"]}]");
    if (d->publishable_key != NULL) {
        mcpt__meta_put(m, "service_documentation", MCPT__META_TEXT, "https://clerk.com/docs");
    }
}

MCPT_API void mcpt_put_prm(mcpt_writer *w, const mcpt_prm *d)
{
    char issuer[MCPT_CLERK_ISSUER];
    mcpt_prm own = *d;
    const char *words;
    mcpt_str server = mcpt__mk("", 0);
    mcpt__meta m;

    if (d->publishable_key != NULL && d->authorization_servers == NULL) {
        if (mcpt_clerk_issuer(d->publishable_key, issuer, sizeof(issuer), NULL) != MCPT_OK) {
            mcpt__w_fail(w, MCPT_E_ARG);
            return;
        }
        own.authorization_servers = issuer;
    }
    mcpt__meta_open(&m, w, d->resource, d->props, d->nprops);
    words = own.authorization_servers;
    if (!d->seed) {
        mcpt__meta_rows(&m, mcpt__prm_rows, MCPT_COUNT(mcpt__prm_rows), &own);
    } else if (mcpt__word(&words, &server)) {
        mcpt__seed_members(&m, d, server);
    } else {
        mcpt__w_fail(w, MCPT_E_ARG);
    }
    mcpt__meta_close(&m);
}

MCPT_API void mcpt_put_as_meta(mcpt_writer *w, const mcpt_as_meta *d)
{
    mcpt__meta m;

    mcpt__meta_open(&m, w, d->issuer, d->props, d->nprops);
    if (d->issuer != NULL) {
        mcpt__meta_rows(&m, mcpt__as_rows, MCPT_COUNT(mcpt__as_rows), d);
    }
    mcpt__meta_close(&m);
}

/* A name of the DNS: labels of letters, digits and inner hyphens; no address. */
static bool mcpt__dns_name(const char *p, size_t n)
{
    size_t label = 0;
    size_t i;

    for (i = 0; i <= n; i++) {
        bool end = i == n || p[i] == '.';

        if (end && (label == 0 || label > 63 || p[i - 1] == '-' || p[i - label] == '-')) {
            return false;
        }
        if (!end && !mcpt__alpha(p[i]) && !mcpt__digit(p[i]) && p[i] != '-') {
            return false;
        }
        label = end ? 0 : label + 1;
    }
    return n <= 253 && mcpt__host_ok(p, n) && !mcpt__ipv4(p, n);
}

MCPT_API mcpt_err mcpt_clerk_issuer(const char *publishable_key, char *buf, size_t cap, mcpt_str *issuer)
{
    mcpt_str key = mcpt_z(publishable_key);
    char host[344];                   /* base64 of 254 bytes and a bit */
    size_t n = 0;
    size_t i;

    if (key.len < 8 || (MCPT_MEMCMP(key.ptr, "pk_test_", 8) != 0 && MCPT_MEMCMP(key.ptr, "pk_live_", 8) != 0) ||
        key.len - 8 > sizeof(host)) {
        return MCPT_E_ARG;
    }
    key = mcpt__mk(key.ptr + 8, key.len - 8);
    for (i = key.len % 4 == 0 ? 0 : 2; i < 2 && key.len != 0 && key.ptr[key.len - 1] == '='; i++) {
        key.len--;                    /* padding may be there */
    }
    for (i = 0; i < key.len; i++) {   /* both alphabets */
        host[i] = key.ptr[i];
        host[i] = host[i] == '+' ? '-' : host[i] == '/' ? '_' : host[i];
    }
    if (!mcpt_b64_decode(mcpt__mk(host, key.len), true, host, sizeof(host), &n) || n < 2 || host[n - 1] != '$' ||
        !mcpt__dns_name(host, n - 1)) {
        return MCPT_E_ARG;
    }
    if (cap < n + 8) {
        return MCPT_E_SPACE;
    }
    MCPT_MEMCPY(buf, "https://", 8);
    MCPT_MEMCPY(buf + 8, host, n - 1);
    buf[n + 7] = '\0';
    if (issuer != NULL) {
        *issuer = mcpt__mk(buf, n + 7);
    }
    return MCPT_OK;
}

MCPT_API size_t mcpt_well_known_url(mcpt_str url, const char *name, char *buf, size_t cap)
{
    mcpt__out o = { buf, cap, 0 };
    mcpt_url u;

    if (!mcpt_url_split(url, &u)) {
        return 0;
    }
    mcpt__out_add(&o, url.ptr, (size_t)(u.path.ptr - url.ptr));
    mcpt__out_add(&o, "/.well-known/", 13);
    mcpt__out_add(&o, name, MCPT_STRLEN(name));
    mcpt__out_add(&o, u.path.ptr, u.path.len - (u.path.len != 0 && u.path.ptr[u.path.len - 1] == '/' ? 1u : 0u));
    if (u.query.ptr != NULL) {
        mcpt__out_add(&o, u.query.ptr - 1, u.query.len + 1);
    }
    return mcpt__out_end(&o);
}

/* The parameters that a challenge keeps, in the order they are written. */
static mcpt_str *mcpt__challenge_param(mcpt_challenge *c, unsigned i, const char **name)
{
    static const char *const names[] = { "realm", "error", "error_description", "resource_metadata", "scope", "algs" };
    mcpt_str *const values[] = { &c->realm, &c->error, &c->error_description, &c->resource_metadata, &c->scope, &c->algs };

    *name = i < MCPT_COUNT(names) ? names[i] : NULL;
    return i < MCPT_COUNT(names) ? values[i] : NULL;
}

MCPT_API size_t mcpt_challenge_write(const mcpt_challenge *challenge, char *buf, size_t cap)
{
    mcpt_challenge c = *challenge;
    mcpt__out o = { buf, cap, 0 };
    const char *name;
    const mcpt_str *v;
    bool first = true;
    unsigned i;
    size_t k;

    mcpt__out_add(&o, c.scheme.ptr, c.scheme.len);
    for (i = 0; (v = mcpt__challenge_param(&c, i, &name)) != NULL; i++) {
        if (v->ptr == NULL) {
            continue;
        }
        mcpt__out_add(&o, &", "[first], first ? 1 : 2);
        first = false;
        mcpt__out_add(&o, name, MCPT_STRLEN(name));
        mcpt__out_add(&o, "=\"", 2);
        for (k = 0; k < v->len; k++) {
            char ch = v->ptr[k];

            ch = ch < 0x20 || ch > 0x7e ? ' ' : ch;
            if (ch == '"' || ch == '\\') {
                mcpt__out_add(&o, "\\", 1);
            }
            mcpt__out_add(&o, &ch, 1);
        }
        mcpt__out_add(&o, "\"", 1);
    }
    return mcpt__out_end(&o);
}

/* -- reading challenges */
typedef struct mcpt__auth_in {
    const char *p;
    size_t n, i;
    char *buf;
    size_t cap;
    mcpt_err err;                     /* of the challenge being read */
} mcpt__auth_in;

static void mcpt__auth_space(mcpt__auth_in *a)
{
    while (a->i < a->n && mcpt__ows(a->p[a->i])) {
        a->i++;
    }
}

/* Goes to the next comma, or the end; quoted strings hold commas that are none. */
static void mcpt__auth_skip(mcpt__auth_in *a)
{
    bool quoted = false;

    a->err = MCPT_E_HTTP;
    for (; a->i < a->n && (quoted || a->p[a->i] != ','); a->i++) {
        quoted = a->p[a->i] == '"' ? !quoted : quoted;
        a->i += quoted && a->p[a->i] == '\\' && a->i + 1 < a->n ? 1u : 0u;
    }
}

/* The quoted string that begins at i, unescaped into buf when it has escapes. */
static mcpt_str mcpt__auth_quoted(mcpt__auth_in *a)
{
    size_t from = ++a->i;
    size_t at = 0;
    bool escaped = false;
    size_t k;

    while (a->i < a->n && a->p[a->i] != '"') {
        if (a->p[a->i] == '\\') {
            escaped = true;
            a->i++;
        }
        if (a->i < a->n && (((unsigned char)a->p[a->i] < 0x20 && a->p[a->i] != '\t') || a->p[a->i] == 0x7f)) {
            a->err = MCPT_E_HTTP;
        }
        a->i++;
    }
    if (a->i >= a->n) {               /* it never ends */
        a->i = a->n;
        a->err = MCPT_E_HTTP;
        return mcpt__mk("", 0);
    }
    a->i++;
    if (!escaped) {
        return mcpt__mk(a->p + from, a->i - 1 - from);
    }
    for (k = from; k < a->i - 1; k++, at++) {
        k += a->p[k] == '\\' ? 1u : 0u;
        if (at == a->cap) {
            a->err = a->err == MCPT_OK ? MCPT_E_SPACE : a->err;
            return mcpt__mk("", 0);
        }
        a->buf[at] = a->p[k];
    }
    a->buf += at;
    a->cap -= at;
    return mcpt__mk(a->buf - at, at);
}

static mcpt_str mcpt__auth_value(mcpt__auth_in *a)
{
    size_t from = a->i;

    if (a->i < a->n && a->p[a->i] == '"') {
        return mcpt__auth_quoted(a);
    }
    while (a->i < a->n && a->p[a->i] != ',' && !mcpt__ows(a->p[a->i])) {
        a->i++;
    }
    return mcpt__mk(a->p + from, a->i - from);
}

/* A parameter whose name is read already; i stands behind its '='. */
static void mcpt__auth_param(mcpt__auth_in *a, mcpt_challenge *c, mcpt_str name)
{
    const char *known;
    mcpt_str *slot;
    mcpt_str value;
    unsigned i;

    mcpt__auth_space(a);
    value = mcpt__auth_value(a);
    for (i = 0; (slot = mcpt__challenge_param(c, i, &known)) != NULL; i++) {
        if (mcpt_str_ieq(name, known)) {
            if (slot->ptr != NULL && !mcpt_str_eq(*slot, value)) {
                a->err = MCPT_E_HTTP; /* two values: none is to be trusted */
            }
            *slot = value;
        }
    }
}

/* token68 and nothing else up to the comma or the end. */
static bool mcpt__auth_token68(mcpt__auth_in *a, mcpt_challenge *c)
{
    size_t from = a->i;
    size_t k = from;
    size_t end;

    while (k < a->n && (mcpt__alpha(a->p[k]) || mcpt__digit(a->p[k]) || MCPT_MEMCHR("-._~+/", a->p[k], 6) != NULL)) {
        k++;
    }
    while (k > from && k < a->n && a->p[k] == '=') {
        k++;
    }
    end = k;
    while (k < a->n && mcpt__ows(a->p[k])) {
        k++;
    }
    if (end == from || (k < a->n && a->p[k] != ',')) {
        return false;
    }
    c->token68 = mcpt__mk(a->p + from, end - from);
    a->i = k;
    return true;
}

/* The parameters, up to the next challenge or the end. A word without '=' behind it is the next scheme. */
static void mcpt__auth_params(mcpt__auth_in *a, mcpt_challenge *c)
{
    for (;;) {
        bool comma = false;
        size_t start;
        mcpt_str name;

        while (a->i < a->n && (a->p[a->i] == ',' || mcpt__ows(a->p[a->i]))) {
            comma = comma || a->p[a->i] == ',';
            a->i++;
        }
        start = a->i;
        if (start == a->n) {
            return;
        }
        name = mcpt__mk(a->p + start, mcpt__take_set(mcpt__set_token, a->p + start, a->n - start));
        a->i += name.len;
        mcpt__auth_space(a);
        if (name.len != 0 && a->i < a->n && a->p[a->i] == '=') {
            a->i++;
            mcpt__auth_param(a, c, name);
        } else if (name.len != 0 && comma) {
            a->i = start;
            return;
        } else {
            mcpt__auth_skip(a);
        }
    }
}

MCPT_API mcpt_err mcpt_challenge_next(mcpt_str *field, mcpt_challenge *c, char *buf, size_t cap)
{
    mcpt__auth_in a;
    size_t start;
    size_t n;

    a.p = field->ptr;
    a.n = field->len;
    a.i = 0;
    a.buf = buf;
    a.cap = buf != NULL ? cap : 0;
    a.err = MCPT_OK;
    MCPT_MEMSET(c, 0, sizeof(*c));
    while (a.i < a.n && (a.p[a.i] == ',' || mcpt__ows(a.p[a.i]))) {
        a.i++;
    }
    start = a.i;
    if (start == a.n) {
        *field = mcpt__mk(a.p + start, 0);
        return MCPT_E_ABSENT;
    }
    n = mcpt__take_set(mcpt__set_token, a.p + start, a.n - start);
    a.i += n;
    mcpt__auth_space(&a);
    if (n == 0) {
        mcpt__auth_skip(&a);
    } else if (a.i < a.n && a.p[a.i] == '=') {
        a.i = start;                  /* parameters of no scheme */
        mcpt__auth_params(&a, c);
    } else {
        c->scheme = mcpt__mk(a.p + start, n);
        if (!mcpt__auth_token68(&a, c)) {
            mcpt__auth_params(&a, c);
        }
    }
    *field = mcpt__mk(a.p + a.i, a.n - a.i);
    return a.err;
}
#endif /* !MCPT_NO_METADATA */

/* >>jwk: implementation -----------------------------------------------------------------------------------
 * Text of keys and tokens is unescaped where it stands, in the caller's buffer: a member is asked for once. */
#if !MCPT_NO_JWT
#if MCPT_NO_STRERROR
#define MCPT__WHY(text) ""
#else
#define MCPT__WHY(text) (text)
#endif
enum { MCPT__KEY_KID = 1, MCPT__KEY_NEW = 2, MCPT__KEY_STAYS = 4 };     /* mcpt_jwk.flags: has a kid; of the set that is being read */
enum { MCPT__MAX_KID = 128 };
enum { MCPT__TYP_OTHER, MCPT__TYP_NONE, MCPT__TYP_JWT, MCPT__TYP_AT, MCPT__TYP_DPOP };

typedef struct mcpt__jws {
    mcpt_str signing, payload, signature;         /* parts of the text; signing: header and payload */
    uint8_t algs, typ;                /* the bit of its alg, MCPT__TYP_x */
    bool has_kid, has_xy;
    uint8_t kid[16], xy[64];          /* xy: of the embedded jwk */
} mcpt__jws;

static mcpt_err mcpt__no(const char **why, const char *text)
{
    *why = text;
    return MCPT_E_UNAUTHORIZED;
}

/* A member that is a string, unescaped in place; absent when there is none, it is no string or has control characters. */
static mcpt_str mcpt__jwt_str(char *buf, mcpt_span f)
{
    char *p = buf + f.at;
    size_t n = 0;

    if (f.len < 2 || *p != '"') {
        return mcpt__mk(NULL, 0);
    }
    n = mcpt_unescape(mcpt__mk(p, f.len), p + 1, f.len);
    for (size_t i = 1; i <= n; i++) {
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f) {
            return mcpt__mk(NULL, 0);
        }
    }
    return mcpt__mk(p + 1, n);
}

static bool mcpt__sha(const mcpt_crypto *c, mcpt_str text, uint8_t out[32])
{
    return c != NULL && c->sha256 != NULL && c->sha256(c->user, &text, 1, out);
}

/* What is kept of a kid. */
static bool mcpt__kid(const mcpt_crypto *c, mcpt_str kid, uint8_t out[16])
{
    uint8_t hash[32];

    if (!mcpt__sha(c, kid, hash)) {
        return false;
    }
    MCPT_MEMCPY(out, hash, 16);
    return true;
}

enum { MCPT__JK_KTY = 1, MCPT__JK_CRV, MCPT__JK_N, MCPT__JK_E, MCPT__JK_X, MCPT__JK_Y, MCPT__JK_KID, MCPT__JK_USE, MCPT__JK_ALG,
       MCPT__JK_OPS, MCPT__JK_D, MCPT__JK_ROWS };
static const mcpt_pick mcpt__jwk_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("kty", 0), MCPT_PICK("crv", 0), MCPT_PICK("n", 0), MCPT_PICK("e", 0), MCPT_PICK("x", 0),
    MCPT_PICK("y", 0), MCPT_PICK("kid", 0), MCPT_PICK("use", 0), MCPT_PICK("alg", 0), MCPT_PICK("key_ops", 0), MCPT_PICK("d", 0)
};

/* A number of a key: base64url, decoded in place, without zeros in front. False: there is none. */
static bool mcpt__jwk_number(char *buf, mcpt_span f, mcpt_str *out)
{
    mcpt_str s = mcpt__jwt_str(buf, f);
    size_t n = 0;

    if (s.len == 0 || !mcpt_b64_decode(s, true, buf + f.at, f.len, &n)) {
        return false;
    }
    *out = mcpt__mk(buf + f.at, n);
    while (out->len > 1 && *out->ptr == 0) {
        out->ptr++;
        out->len--;
    }
    return true;
}

/* x and y of a P-256 key: 32 bytes each (RFC 7518 section 6.2.1.2). */
static bool mcpt__jwk_xy(char *buf, const mcpt_span *x, uint8_t xy[64])
{
    for (unsigned i = 0; i < 2; i++) {
        size_t n = 0;
        if (!mcpt_b64_decode(mcpt__jwt_str(buf, x[i]), true, xy + 32 * i, 32, &n) || n != 32) {
            return false;
        }
    }
    return true;
}

static mcpt_rsa mcpt__jwk_rsa(const mcpt_jwk *key)
{
    mcpt_rsa rsa;

    rsa.n = key->n;
    rsa.n_len = key->n_len;
    rsa.e = key->e;
    rsa.e_len = key->e_len;
    return rsa;
}

static bool mcpt__jwk_take_rsa(mcpt_jwk *key, char *buf, const mcpt_span *f)
{
    mcpt_str n, e;
    mcpt_rsa rsa;

    if (!mcpt__jwk_number(buf, f[MCPT__JK_N], &n) || !mcpt__jwk_number(buf, f[MCPT__JK_E], &e) || n.len > sizeof(key->n) ||
        e.len > sizeof(key->e)) {
        return false;
    }
    MCPT_MEMCPY(key->n, n.ptr, n.len);
    MCPT_MEMCPY(key->e, e.ptr, e.len);
    key->n_len = (uint16_t)n.len;
    key->e_len = (uint8_t)e.len;
    rsa = mcpt__jwk_rsa(key);
    return mcpt_rsa_ok(&rsa);
}

/* May the key verify (RFC 7517 sections 4.2 and 4.3)? */
static bool mcpt__jwk_verifies(char *buf, const mcpt_span *f)
{
    mcpt_span ops = f[MCPT__JK_OPS];
    mcpt_str list = mcpt__array(mcpt__mk(buf + ops.at, ops.len)), op;
    bool bad = false, found = ops.len == 0;

    while (mcpt__array_next(&list, &op, &bad)) {
        found = found || mcpt_str_is(op, "verify");
    }
    return found && !bad && (f[MCPT__JK_USE].len == 0 || mcpt_str_is(mcpt__jwt_str(buf, f[MCPT__JK_USE]), "sig"));
}

/* Makes a key of the members that are in buf. */
static mcpt_err mcpt__jwk_take(mcpt_jwk *key, char *buf, const mcpt_span *f, const mcpt_crypto *c)
{
    mcpt_str kty = mcpt__jwt_str(buf, f[MCPT__JK_KTY]), alg = mcpt__jwt_str(buf, f[MCPT__JK_ALG]);
    mcpt_str kid = mcpt__jwt_str(buf, f[MCPT__JK_KID]);
    bool any = f[MCPT__JK_ALG].len == 0;
    bool ok = false;

    MCPT_MEMSET(key, 0, sizeof(*key));
    if (f[MCPT__JK_D].len != 0 || kid.len > MCPT__MAX_KID || (kid.ptr == NULL && f[MCPT__JK_KID].len != 0) ||
        !mcpt__jwk_verifies(buf, f)) {
        return MCPT_E_ABSENT;
    }
    if (kid.ptr != NULL) {
        if (!mcpt__kid(c, kid, key->kid)) {
            return MCPT_E_CRYPTO;
        }
        key->flags = MCPT__KEY_KID;
    }
    if (mcpt_str_is(kty, "RSA")) {
        key->algs = (uint8_t)((any || mcpt_str_is(alg, "RS256") ? MCPT_RS256 : 0) | (any || mcpt_str_is(alg, "PS256") ? MCPT_PS256 : 0));
        ok = key->algs != 0 && mcpt__jwk_take_rsa(key, buf, f);
    } else if (mcpt_str_is(kty, "EC") && mcpt_str_is(mcpt__jwt_str(buf, f[MCPT__JK_CRV]), "P-256")) {
        key->algs = MCPT_ES256;
        ok = (any || mcpt_str_is(alg, "ES256")) && mcpt__jwk_xy(buf, f + MCPT__JK_X, key->n);
    }
    if (!ok) {
        key->algs = 0;
    }
    return ok ? MCPT_OK : MCPT_E_ABSENT;
}

MCPT_API mcpt_err mcpt_jwk_parse(mcpt_jwk *key, mcpt_str json, const mcpt_crypto *c, void *buf, size_t cap)
{
    mcpt_keep k;
    mcpt_span f[MCPT__JK_ROWS];
    mcpt_err e;

    MCPT_MEMSET(key, 0, sizeof(*key));
    mcpt_keep_init(&k, mcpt__jwk_picks, MCPT__JK_ROWS, f, buf, cap);
    e = mcpt_keep_feed(&k, json.ptr, json.len);
    if (e >= 0) {
        e = mcpt_keep_end(&k);
    }
    return e != MCPT_OK ? e : json.ptr[f[0].at] != '{' ? MCPT_E_ABSENT : mcpt__jwk_take(key, (char *)buf, f, c);
}

static bool mcpt__thumb(const mcpt_crypto *c, const mcpt_str *part, size_t n, char out[43])
{
    uint8_t hash[32];

    return c != NULL && c->sha256 != NULL && c->sha256(c->user, part, n, hash) && mcpt_b64_encode(hash, 32, true, out, 43) == 43;
}

/* RFC 7638 section 3: the required members, sorted, without spaces. */
static bool mcpt__thumb_xy(const mcpt_crypto *c, const uint8_t xy[64], char out[43])
{
    char x[43], y[43];
    mcpt_str part[5];

    (void)mcpt_b64_encode(xy, 32, true, x, sizeof(x));
    (void)mcpt_b64_encode(xy + 32, 32, true, y, sizeof(y));
    part[0] = mcpt_z("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    part[1] = mcpt__mk(x, sizeof(x));
    part[2] = mcpt_z("\",\"y\":\"");
    part[3] = mcpt__mk(y, sizeof(y));
    part[4] = mcpt_z("\"}");
    return mcpt__thumb(c, part, 5, out);
}

MCPT_API mcpt_err mcpt_jwk_thumbprint(const mcpt_jwk *key, const mcpt_crypto *c, char out[43])
{
    char e[6], n[(MCPT_MAX_RSA + 2) / 3 * 4];
    mcpt_str part[5];
    bool ok;

    if (key->algs == 0) {
        return MCPT_E_ABSENT;
    }
    if (key->algs == MCPT_ES256) {
        ok = mcpt__thumb_xy(c, key->n, out);
    } else {
        part[0] = mcpt_z("{\"e\":\"");
        part[1] = mcpt__mk(e, mcpt_b64_encode(key->e, key->e_len, true, e, sizeof(e)));
        part[2] = mcpt_z("\",\"kty\":\"RSA\",\"n\":\"");
        part[3] = mcpt__mk(n, mcpt_b64_encode(key->n, key->n_len, true, n, sizeof(n)));
        part[4] = mcpt_z("\"}");
        ok = mcpt__thumb(c, part, 5, out);
    }
    return ok ? MCPT_OK : MCPT_E_CRYPTO;
}

static bool mcpt__jwk_is(const mcpt_jwk *key, const uint8_t kid[16])
{
    return (key->flags & MCPT__KEY_KID) != 0 && MCPT_MEMCMP(key->kid, kid, 16) == 0;
}

/* The slot for a key: an empty one, else, for the key that is wanted, one that is not. NULL: none. */
static mcpt_jwk *mcpt__jwks_slot(const mcpt_jwks *s, bool wanted)
{
    mcpt_jwk *other = NULL;

    for (size_t i = 0; i < s->nkeys; i++) {
        if (s->keys[i].algs == 0) {
            return &s->keys[i];
        }
        if (wanted && !mcpt__jwk_is(&s->keys[i], s->want)) {
            other = &s->keys[i];
        }
    }
    return other;
}

/* A key of the set has ended. */
static mcpt_err mcpt__jwks_key(mcpt_jwks *s)
{
    mcpt_jwk key;
    mcpt_jwk *slot;
    mcpt_err e = mcpt_keep_end(&s->one);

    if (e == MCPT_OK && s->one.dropped != 0) {              /* a member longer than those of keys that are of use */
        return MCPT_OK;
    }
    if (e == MCPT_OK) {
        e = mcpt__jwk_take(&key, s->buf, s->one_found, s->crypto);
    }
    if (e != MCPT_OK) {
        return e == MCPT_E_ABSENT ? MCPT_OK : e;
    }
    for (size_t i = 0; i < s->nkeys; i++) {
        slot = &s->keys[i];
        key.flags = (uint8_t)((key.flags & MCPT__KEY_KID) | (slot->flags & ~MCPT__KEY_KID));
        if (MCPT_MEMCMP(slot, &key, sizeof(key)) == 0) {    /* both were zeroed: padding is equal too */
            slot->flags |= MCPT__KEY_STAYS;
            return MCPT_OK;
        }
    }
    slot = mcpt__jwks_slot(s, s->wanted && mcpt__jwk_is(&key, s->want));
    if (slot == NULL) {
        s->left_out = (uint16_t)(s->left_out + (s->left_out != 0xffff ? 1 : 0));
        return MCPT_OK;
    }
    key.flags = (uint8_t)((key.flags & MCPT__KEY_KID) | MCPT__KEY_NEW);
    MCPT_MEMCPY(slot, &key, sizeof(key));
    return MCPT_OK;
}

MCPT_API void mcpt_jwks_begin(mcpt_jwks *s)
{
    static const mcpt_pick picks[] = { MCPT_PICK("", 0), MCPT_PICK("keys", 0) };

    (void)mcpt_jwks_end(s, false);                          /* what another attempt has left behind */
    mcpt_scan_init(&s->set, picks, 2, s->set_found);
    s->reading = false;
    s->left_out = 0;
}

/* Is the scanner inside an object that is an element of keys? */
static bool mcpt__jwks_inside(const mcpt_scan *s)
{
    return s->wanted == 1 && s->row == 1 && s->depth >= 3 && (s->kind >> (s->depth - 2) & 1u) == 0 &&
        (s->kind >> (s->depth - 3) & 1u) != 0;
}

MCPT_API mcpt_err mcpt_jwks_feed(mcpt_jwks *s, const char *text, size_t len)
{
    const char *end = text + len;
    mcpt_err e = mcpt_scan_feed(&s->set, text, 0);

    while (text != end && e >= 0) {                         /* a piece ends with a brace: keys begin and end there */
        const char *p = text;
        while (p != end && *p != '{' && *p != '}') {
            p++;
        }
        p += p != end ? 1 : 0;
        e = mcpt_scan_feed(&s->set, text, (size_t)(p - text));
        if (!s->reading && e >= 0 && mcpt__jwks_inside(&s->set)) {
            s->reading = true;
            mcpt_keep_init(&s->one, mcpt__jwk_picks, MCPT__JK_ROWS, s->one_found, s->buf, s->cap);
            s->one.optional = 0xffffffffu;
            text = p - 1;
        }
        if (s->reading && e >= 0) {
            mcpt_err inner = mcpt_keep_feed(&s->one, text, (size_t)(p - text));
            if (inner >= 0 && !mcpt__jwks_inside(&s->set)) {
                s->reading = false;
                inner = mcpt__jwks_key(s);
            }
            if (inner < 0) {
                (void)mcpt__scan_fail(&s->set, inner, NULL);
                e = inner;
            }
        }
        text = p;
    }
    return e;
}

MCPT_API mcpt_err mcpt_jwks_end(mcpt_jwks *s, bool whole)
{
    mcpt_err e = whole ? mcpt_scan_end(&s->set) : MCPT_E_CLOSED;

    if (e == MCPT_OK && s->set_found[1].len == 0) {
        e = MCPT_E_ABSENT;
    }
    for (size_t i = 0; i < s->nkeys; i++) {
        unsigned is = s->keys[i].flags & (MCPT__KEY_NEW | MCPT__KEY_STAYS);
        if (e == MCPT_OK ? is == 0 : (is & MCPT__KEY_NEW) != 0) {
            MCPT_MEMSET(&s->keys[i], 0, sizeof(s->keys[i]));
        }
        s->keys[i].flags &= MCPT__KEY_KID;
    }
    s->wanted = s->wanted && e != MCPT_OK;
    return e;
}

/* The key for a token: of its alg and kid; without kid the only one of its alg (RFC 7515 section 4.1.4). */
static const mcpt_jwk *mcpt__jwks_find(const mcpt_jwks *s, const mcpt__jws *j)
{
    const mcpt_jwk *found = NULL;

    for (size_t i = 0; i < s->nkeys; i++) {
        const mcpt_jwk *key = &s->keys[i];
        if ((key->algs & j->algs) == 0 || (key->flags & MCPT__KEY_NEW) != 0 || (j->has_kid && !mcpt__jwk_is(key, j->kid))) {
            continue;
        }
        if (j->has_kid) {
            return key;
        }
        if (found != NULL) {
            return NULL;
        }
        found = key;
    }
    return found;
}

#endif /* !MCPT_NO_JWT */

/* >>jwt: implementation -----------------------------------------------------------------------------------
 * The parts of a token are decoded one after the other into the caller's buffer: header, then signature, then claims. */
#if !MCPT_NO_JWT
enum { MCPT__JH_ALG = 1, MCPT__JH_TYP, MCPT__JH_KID, MCPT__JH_CRIT, MCPT__JH_B64, MCPT__JH_ZIP, MCPT__JH_ENC, MCPT__JH_JWK, MCPT__JH_KTY,
       MCPT__JH_CRV, MCPT__JH_X, MCPT__JH_Y, MCPT__JH_D, MCPT__JH_ROWS };
static const mcpt_pick mcpt__jws_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("alg", 0), MCPT_PICK("typ", 0), MCPT_PICK("kid", 0), MCPT_PICK("crit", 0), MCPT_PICK("b64", 0),
    MCPT_PICK("zip", 0), MCPT_PICK("enc", 0), MCPT_PICK("jwk", 0), MCPT_PICK("kty", MCPT__JH_JWK), MCPT_PICK("crv", MCPT__JH_JWK),
    MCPT_PICK("x", MCPT__JH_JWK), MCPT_PICK("y", MCPT__JH_JWK), MCPT_PICK("d", MCPT__JH_JWK)
};

/* Decodes a part that is a JSON object into buf and picks its members. */
static mcpt_err mcpt__jws_part(mcpt_str part, const mcpt_pick *picks, size_t n, mcpt_span *found, char *buf, size_t cap)
{
    mcpt_scan s;
    size_t len;

    if (part.len / 4 * 3 + part.len % 4 > cap) {
        return MCPT_E_SPACE;
    }
    if (!mcpt_b64_decode(part, true, buf, cap, &len)) {
        return MCPT_E_JSON;
    }
    mcpt_scan_init(&s, picks, n, found);
    (void)mcpt_scan_feed(&s, buf, len);
    return mcpt_scan_end(&s) == MCPT_OK && buf[found[0].at] == '{' ? MCPT_OK : MCPT_E_JSON;
}

/* Cuts at the two dots. */
static bool mcpt__jws_cut(mcpt__jws *j, mcpt_str text, mcpt_str *header)
{
    size_t dot[2] = { 0, 0 }, dots = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.') {
            if (dots == 2) {
                return false;
            }
            dot[dots++] = i;
        }
    }
    if (dots != 2 || dot[0] == 0 || dot[1] == dot[0] + 1 || dot[1] + 1 == text.len) {
        return false;
    }
    *header = mcpt__mk(text.ptr, dot[0]);
    j->signing = mcpt__mk(text.ptr, dot[1]);
    j->payload = mcpt__mk(text.ptr + dot[0] + 1, dot[1] - dot[0] - 1);
    j->signature = mcpt__mk(text.ptr + dot[1] + 1, text.len - dot[1] - 1);
    return true;
}

static uint8_t mcpt__jws_typ(mcpt_str typ)
{
    static const char prefix[] = "application/";
    size_t n = sizeof(prefix) - 1;

    if (typ.len > n && mcpt_str_ieq(mcpt__mk(typ.ptr, n), prefix)) {
        typ = mcpt__mk(typ.ptr + n, typ.len - n);
    }
    return mcpt_str_ieq(typ, "at+jwt") ? MCPT__TYP_AT : mcpt_str_ieq(typ, "JWT") ? MCPT__TYP_JWT :
        mcpt_str_ieq(typ, "dpop+jwt") ? MCPT__TYP_DPOP : MCPT__TYP_OTHER;
}

/* Form and header (RFC 7515 section 5.2, steps 1 to 5). */
static mcpt_err mcpt__jws_open(mcpt__jws *j, mcpt_str text, const mcpt_crypto *c, char *buf, size_t cap, const char **why)
{
    mcpt_span f[MCPT__JH_ROWS];
    mcpt_str header, alg, kid;
    mcpt_err e;

    MCPT_MEMSET(j, 0, sizeof(*j));
    if (!mcpt__jws_cut(j, text, &header)) {
        return mcpt__no(why, MCPT__WHY("not three parts"));
    }
    e = mcpt__jws_part(header, mcpt__jws_picks, MCPT__JH_ROWS, f, buf, cap);
    if (e != MCPT_OK) {
        return e == MCPT_E_SPACE ? e : mcpt__no(why, MCPT__WHY("header is not base64url of a JSON object"));
    }
    if ((f[MCPT__JH_CRIT].len | f[MCPT__JH_B64].len | f[MCPT__JH_ZIP].len | f[MCPT__JH_ENC].len) != 0) {
        return mcpt__no(why, MCPT__WHY("crit, b64, zip or enc in the header"));
    }
    alg = mcpt__jwt_str(buf, f[MCPT__JH_ALG]);
    j->algs = mcpt_str_is(alg, "RS256") ? MCPT_RS256 : mcpt_str_is(alg, "ES256") ? MCPT_ES256 :
        mcpt_str_is(alg, "PS256") ? MCPT_PS256 : 0;
    if (j->algs == 0) {
        return mcpt__no(why, MCPT__WHY("alg"));
    }
    j->typ = f[MCPT__JH_TYP].len == 0 ? (uint8_t)MCPT__TYP_NONE : mcpt__jws_typ(mcpt__jwt_str(buf, f[MCPT__JH_TYP]));
    kid = mcpt__jwt_str(buf, f[MCPT__JH_KID]);
    j->has_kid = kid.ptr != NULL;
    if (kid.len > MCPT__MAX_KID || (!j->has_kid && f[MCPT__JH_KID].len != 0)) {
        return mcpt__no(why, MCPT__WHY("kid is no string or too long"));
    }
    if (j->has_kid && !mcpt__kid(c, kid, j->kid)) {
        return MCPT_E_CRYPTO;
    }
    j->has_xy = f[MCPT__JH_D].len == 0 && mcpt_str_is(mcpt__jwt_str(buf, f[MCPT__JH_KTY]), "EC") &&
        mcpt_str_is(mcpt__jwt_str(buf, f[MCPT__JH_CRV]), "P-256") && mcpt__jwk_xy(buf, f + MCPT__JH_X, j->xy);
    return MCPT_OK;
}

/* Algorithms that the cryptography offers. */
static unsigned mcpt__algs(const mcpt_crypto *c)
{
    if (c == NULL || c->sha256 == NULL) {
        return 0;
    }
    return (c->rs256_verify != NULL ? (unsigned)MCPT_RS256 : 0u) | (c->ps256_verify != NULL ? (unsigned)MCPT_PS256 : 0u) |
        (c->es256_verify != NULL ? (unsigned)MCPT_ES256 : 0u);
}

static mcpt_err mcpt__jws_verify(const mcpt__jws *j, const mcpt_jwk *key, const uint8_t *xy, const mcpt_crypto *c, char *buf,
                                 size_t cap, const char **why)
{
    uint8_t hash[32];
    size_t len;
    mcpt_rsa rsa;
    bool ok;

    if (j->signature.len > (MCPT_MAX_RSA + 2) / 3 * 4) {
        return mcpt__no(why, MCPT__WHY("signature too long"));
    }
    if (j->signature.len / 4 * 3 + j->signature.len % 4 > cap) {
        return MCPT_E_SPACE;
    }
    if (!mcpt_b64_decode(j->signature, true, buf, cap, &len)) {
        return mcpt__no(why, MCPT__WHY("signature is not base64url"));
    }
    if (!mcpt__sha(c, j->signing, hash)) {
        return MCPT_E_CRYPTO;
    }
    if (j->algs == MCPT_ES256) {
        ok = len == 64 && c->es256_verify(c->user, xy, hash, (const uint8_t *)buf);
    } else {
        rsa = mcpt__jwk_rsa(key);
        ok = (j->algs == MCPT_RS256 ? c->rs256_verify : c->ps256_verify)(c->user, &rsa, hash, buf, len);
    }
    return ok ? MCPT_OK : mcpt__no(why, MCPT__WHY("signature"));
}

enum { MCPT__JC_ISS = 1, MCPT__JC_AUD, MCPT__JC_EXP, MCPT__JC_NBF, MCPT__JC_IAT, MCPT__JC_SUB, MCPT__JC_SCOPE, MCPT__JC_SCP, MCPT__JC_CLIENT,
       MCPT__JC_AZP, MCPT__JC_CID, MCPT__JC_APPID, MCPT__JC_JTI, MCPT__JC_AT_HASH, MCPT__JC_EVENTS, MCPT__JC_CNF, MCPT__JC_JKT, MCPT__JC_X5T,
       MCPT__JC_ROWS };
static const mcpt_pick mcpt__claim_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("iss", 0), MCPT_PICK("aud", 0), MCPT_PICK("exp", 0), MCPT_PICK("nbf", 0), MCPT_PICK("iat", 0),
    MCPT_PICK("sub", 0), MCPT_PICK("scope", 0), MCPT_PICK("scp", 0), MCPT_PICK("client_id", 0), MCPT_PICK("azp", 0),
    MCPT_PICK("cid", 0), MCPT_PICK("appid", 0), MCPT_PICK("jti", 0), MCPT_PICK("at_hash", 0), MCPT_PICK("events", 0),
    MCPT_PICK("cnf", 0), MCPT_PICK("jkt", MCPT__JC_CNF), MCPT_PICK("x5t#S256", MCPT__JC_CNF)
};

/* Seconds (RFC 7519 section 2, NumericDate); a fraction is cut off. False: no such number. */
static bool mcpt__numeric_date(const char *buf, mcpt_span f, int64_t *out)
{
    mcpt_str raw = mcpt__mk(buf + f.at, f.len);
    size_t n = 0;

    if (f.len == 0 || (*raw.ptr != '-' && !mcpt__digit(*raw.ptr))) {
        return false;
    }
    if (MCPT_MEMCHR(raw.ptr, 'e', raw.len) == NULL && MCPT_MEMCHR(raw.ptr, 'E', raw.len) == NULL) {
        while (n < raw.len && raw.ptr[n] != '.') {
            n++;
        }
        raw.len = n;
    }
    return mcpt__scaled(raw, 0, MCPT_E_TYPE, out) == MCPT_OK;
}

/* Is this audience one of ours? */
static bool mcpt__aud_is(mcpt_str aud, const char *words, const mcpt_aud *we)
{
    mcpt_str resource = we->url;

    if (mcpt__word_in(mcpt_z(words), aud) || (we->ours != NULL && we->ours(we->user, aud))) {
        return true;
    }
    aud.len -= aud.len != 0 && aud.ptr[aud.len - 1] == '/' ? 1 : 0;
    resource.len -= resource.len != 0 && resource.ptr[resource.len - 1] == '/' ? 1 : 0;
    return resource.len != 0 && mcpt_str_eq(aud, resource);
}

static bool mcpt__aud_ok(char *buf, mcpt_span f, const mcpt_jwt_rules *r, const mcpt_aud *we)
{
    mcpt_str list = mcpt__array(mcpt__mk(buf + f.at, f.len)), aud;
    bool bad = false, found = false;

    if (buf[f.at] == '"') {
        return mcpt__aud_is(mcpt__jwt_str(buf, f), r->audiences, we);
    }
    while (mcpt__array_next(&list, &aud, &bad)) {
        found = found || mcpt__aud_is(aud, r->audiences, we);
    }
    return found && !bad;
}

/* Scopes as words: a string as it is, an array joined where it stands. */
static mcpt_str mcpt__jwt_scopes(char *buf, mcpt_span f)
{
    char *start = buf + f.at, *out = start;
    mcpt_str list = mcpt__array(mcpt__mk(start, f.len)), item;
    bool bad = false;

    if (f.len == 0 || *start != '[') {
        return mcpt__jwt_str(buf, f);
    }
    while (mcpt__array_next(&list, &item, &bad)) {
        bad = bad || item.len == 0;
        for (size_t i = 0; i < item.len; i++) {             /* one element is one word */
            bad = bad || (unsigned char)item.ptr[i] <= 0x20 || item.ptr[i] == 0x7f;
        }
        if (out != start) {
            *out++ = ' ';
        }
        MCPT_MEMMOVE(out, item.ptr, item.len);
        out += item.len;
    }
    return bad ? mcpt__mk(NULL, 0) : mcpt__mk(start, (size_t)(out - start));
}

static mcpt_err mcpt__claims_when(const char *buf, const mcpt_span *f, int64_t now, int64_t leeway, mcpt_claims *c)
{
    int64_t nbf = 0;

    if (!mcpt__numeric_date(buf, f[MCPT__JC_EXP], &c->expires)) {
        return mcpt__no(&c->why, MCPT__WHY("exp"));
    }
    if ((f[MCPT__JC_NBF].len != 0 && !mcpt__numeric_date(buf, f[MCPT__JC_NBF], &nbf)) ||
        (f[MCPT__JC_IAT].len != 0 && !mcpt__numeric_date(buf, f[MCPT__JC_IAT], &c->issued))) {
        return mcpt__no(&c->why, MCPT__WHY("nbf or iat is no time"));
    }
    if (now < 0) {
        return MCPT_E_CLOCK;
    }
    if (c->expires <= now - leeway) {
        return mcpt__no(&c->why, MCPT__WHY("expired"));
    }
    if (nbf > now + leeway || c->issued > now + leeway) {
        return mcpt__no(&c->why, MCPT__WHY("not valid yet"));
    }
    return MCPT_OK;
}

/* no_sub: without sub the client is the subject. */
static mcpt_err mcpt__claims_who(char *buf, const mcpt_span *f, const mcpt_jwt_rules *r, bool no_sub, mcpt_claims *c)
{
    for (unsigned i = MCPT__JC_CLIENT; i <= MCPT__JC_APPID && c->client_id.ptr == NULL; i++) {
        c->client_id = mcpt__jwt_str(buf, f[i]);
    }
    if (r->clients != NULL && !mcpt__word_in(mcpt_z(r->clients), c->client_id)) {
        return mcpt__no(&c->why, MCPT__WHY("client"));
    }
    c->subject = f[MCPT__JC_SUB].len == 0 && no_sub ? c->client_id : mcpt__jwt_str(buf, f[MCPT__JC_SUB]);
    if (c->subject.len == 0) {
        return mcpt__no(&c->why, MCPT__WHY("sub"));
    }
    c->jti = mcpt__jwt_str(buf, f[MCPT__JC_JTI]);
    c->scopes = mcpt__jwt_scopes(buf, f[MCPT__JC_SCOPE]);
    if (f[MCPT__JC_SCOPE].len == 0 && r->scope_member == NULL) {
        c->scopes = mcpt__jwt_scopes(buf, f[MCPT__JC_SCP]);
    }
    if (f[MCPT__JC_CNF].len != 0) {                          /* bound, and to what is not known here: of no use to anybody */
        c->jkt = mcpt__jwt_str(buf, f[MCPT__JC_JKT]);
        if (c->jkt.len != 43 || f[MCPT__JC_X5T].len != 0) {
            return mcpt__no(&c->why, MCPT__WHY("cnf"));
        }
    }
    return MCPT_OK;
}

static int64_t mcpt__leeway(const mcpt_jwt_rules *r)
{
    return r->leeway == 0 ? 60 : r->leeway < 300 ? r->leeway : 300;
}

static mcpt_err mcpt__claims(const mcpt__jws *j, const mcpt_jwt_rules *r, const mcpt_aud *we, int64_t now, char *buf, size_t cap,
                             mcpt_claims *c)
{
    mcpt_pick picks[MCPT__JC_ROWS];
    mcpt_span f[MCPT__JC_ROWS];
    mcpt_err e;

    MCPT_MEMCPY(picks, mcpt__claim_picks, sizeof(picks));
    if (r->scope_member != NULL) {
        picks[MCPT__JC_SCOPE].key = r->scope_member;
        picks[MCPT__JC_SCOPE].tag = (uint16_t)(MCPT_STRLEN(r->scope_member) & 0xffu);
    }
    e = mcpt__jws_part(j->payload, picks, MCPT__JC_ROWS, f, buf, cap);
    if (e != MCPT_OK) {
        return e == MCPT_E_SPACE ? e : mcpt__no(&c->why, MCPT__WHY("claims are not base64url of a JSON object"));
    }
    if ((f[MCPT__JC_AT_HASH].len | f[MCPT__JC_EVENTS].len) != 0) {
        return mcpt__no(&c->why, MCPT__WHY("an ID token or a logout token"));
    }
    c->issuer = mcpt__jwt_str(buf, f[MCPT__JC_ISS]);
    if (!mcpt_str_is(c->issuer, r->issuer)) {
        return mcpt__no(&c->why, MCPT__WHY("iss"));
    }
    if (f[MCPT__JC_AUD].len != 0 ? !mcpt__aud_ok(buf, f[MCPT__JC_AUD], r, we) : !r->no_aud) {
        return mcpt__no(&c->why, MCPT__WHY("aud"));
    }
    e = mcpt__claims_when(buf, f, now, mcpt__leeway(r), c);
    return e != MCPT_OK ? e : mcpt__claims_who(buf, f, r, false, c);
}

MCPT_API mcpt_err mcpt_jwt_check(mcpt_str token, const mcpt_jwt_rules *rules, mcpt_jwks *keys, const mcpt_aud *aud, int64_t now,
                                 void *buf, size_t cap, mcpt_claims *claims)
{
    const mcpt_crypto *crypto = keys->crypto;
    const mcpt_jwk *key;
    char *text = (char *)buf;
    mcpt__jws j;
    mcpt_err e;

    MCPT_MEMSET(claims, 0, sizeof(*claims));
    if (mcpt__algs(crypto) == 0) {
        return MCPT_E_CRYPTO;
    }
    e = mcpt__jws_open(&j, token, crypto, text, cap, &claims->why);
    if (e != MCPT_OK) {
        return e;
    }
    if ((j.algs & mcpt__algs(crypto) & (rules->algs != 0 ? rules->algs : 0xffu)) == 0) {
        return mcpt__no(&claims->why, MCPT__WHY("alg"));
    }
    if (j.typ != MCPT__TYP_AT && !(j.typ == MCPT__TYP_JWT && (rules->typ & MCPT_TYP_JWT) != 0) &&
        !(j.typ == MCPT__TYP_NONE && (rules->typ & MCPT_TYP_NONE) != 0)) {
        return mcpt__no(&claims->why, MCPT__WHY("typ"));
    }
    key = mcpt__jwks_find(keys, &j);
    if (key == NULL) {
        keys->wanted = j.has_kid;
        MCPT_MEMCPY(keys->want, j.kid, sizeof(keys->want));
        return MCPT_E_ABSENT;
    }
    e = mcpt__jws_verify(&j, key, key->n, crypto, text, cap, &claims->why);
    return e != MCPT_OK ? e : mcpt__claims(&j, rules, aud, now, text, cap, claims);
}

MCPT_API mcpt_err mcpt_signer_init(mcpt_signer *s, const mcpt_crypto *c, const void *ref, size_t len)
{
    MCPT_MEMSET(s, 0, sizeof(*s));
    if (c == NULL || c->sha256 == NULL || c->es256_sign == NULL || c->es256_public == NULL || len > sizeof(s->ref)) {
        return MCPT_E_CRYPTO;
    }
    s->crypto = c;
    MCPT_MEMCPY(s->ref, ref, len);
    s->ref_len = (uint8_t)len;
    return c->es256_public(c->user, s->ref, len, s->xy) ? MCPT_OK : MCPT_E_CRYPTO;
}

MCPT_API mcpt_err mcpt_signer_thumbprint(const mcpt_signer *s, char out[43])
{
    return mcpt__thumb_xy(s->crypto, s->xy, out) ? MCPT_OK : MCPT_E_CRYPTO;
}

/* The part that begins at *at: text of len bytes becomes base64url in its place. */
static bool mcpt__jwt_wrap(char *buf, size_t cap, size_t *at, size_t len)
{
    char *p = buf + *at;
    size_t need = mcpt_b64_encode(p, len, true, NULL, 0);

    if (need > cap - *at) {
        return false;
    }
    MCPT_MEMMOVE(p + need - len, p, len);                   /* from its end it is never overtaken */
    (void)mcpt_b64_encode(p + need - len, len, true, p, need);
    *at += need;
    return true;
}

/* Signs buf[0..at), two parts, and adds the third. */
static mcpt_err mcpt__jwt_seal(const mcpt_signer *s, char *buf, size_t cap, size_t at, mcpt_str *out)
{
    uint8_t hash[32], sig[64];

    if (cap - at < 87) {
        return MCPT_E_SPACE;
    }
    if (!mcpt__sha(s->crypto, mcpt__mk(buf, at), hash) || !s->crypto->es256_sign(s->crypto->user, s->ref, s->ref_len, hash, sig)) {
        return MCPT_E_CRYPTO;
    }
    buf[at] = '.';
    (void)mcpt_b64_encode(sig, sizeof(sig), true, buf + at + 1, 86);
    *out = mcpt__mk(buf, at + 87);
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_jwt_sign(const mcpt_signer *s, mcpt_str header, mcpt_str claims, char *buf, size_t cap, mcpt_str *out)
{
    size_t at = 0;

    for (unsigned i = 0; i < 2; i++) {
        mcpt_str part = i == 0 ? header : claims;
        if (i != 0 && at < cap) {
            buf[at++] = '.';
        }
        if (mcpt_b64_encode(part.ptr, part.len, true, NULL, 0) > cap - at) {
            return MCPT_E_SPACE;
        }
        at += mcpt_b64_encode(part.ptr, part.len, true, buf + at, cap - at);
    }
    return mcpt__jwt_seal(s, buf, cap, at, out);
}

/* A token that is written in place: w writes its header, then its claims. */
typedef struct mcpt__jwt_out {
    mcpt_writer w;
    char *buf;
    size_t cap, at;
} mcpt__jwt_out;

static void mcpt__jwt_begin(mcpt__jwt_out *o, char *buf, size_t cap)
{
    o->buf = buf;
    o->cap = cap;
    o->at = 0;
    mcpt_w_init(&o->w, buf, cap);
    mcpt_obj(&o->w);
}

/* Ends a part and opens the next one. */
static mcpt_err mcpt__jwt_part(mcpt__jwt_out *o, bool more)
{
    mcpt_str text;
    mcpt_err e;

    mcpt_end(&o->w);
    e = mcpt_w_done(&o->w, &text);
    if (e != MCPT_OK) {
        return e;
    }
    if (!mcpt__jwt_wrap(o->buf, o->cap, &o->at, text.len) || o->at == o->cap) {
        return MCPT_E_SPACE;
    }
    if (more) {
        o->buf[o->at++] = '.';
        mcpt_w_init(&o->w, o->buf + o->at, o->cap - o->at);
        mcpt_obj(&o->w);
    }
    return MCPT_OK;
}

static void mcpt__kv_b64url(mcpt_writer *w, const char *key, const void *data, size_t len)
{
    char text[43];

    mcpt_kv_str(w, key, mcpt__mk(text, mcpt_b64_encode(data, len, true, text, sizeof(text))));
}

/* jti and iat, which both kinds have. */
static mcpt_err mcpt__jwt_fresh(mcpt_writer *w, const mcpt_env *env, int64_t *now)
{
    uint8_t id[16];

    *now = mcpt__wall(env);
    if (*now < 0) {
        return MCPT_E_CLOCK;
    }
    if (env->random == NULL || !env->random(env->user, id, sizeof(id))) {
        return MCPT_E_RANDOM;
    }
    mcpt__kv_b64url(w, "jti", id, sizeof(id));
    mcpt_kv_int(w, "iat", *now);
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_jwt_assertion(const mcpt_signer *s, const mcpt_env *env, const char *kid, mcpt_str client, mcpt_str audience,
                                     char *buf, size_t cap, mcpt_str *out)
{
    mcpt__jwt_out o;
    int64_t now = 0;
    mcpt_err e;

    mcpt__jwt_begin(&o, buf, cap);
    mcpt_kv_z(&o.w, "typ", "JWT");
    mcpt_kv_z(&o.w, "alg", "ES256");
    mcpt_kv_z(&o.w, "kid", kid);
    e = mcpt__jwt_part(&o, true);
    if (e == MCPT_OK) {
        mcpt_kv_str(&o.w, "iss", client);
        mcpt_kv_str(&o.w, "sub", client);
        mcpt_kv_str(&o.w, "aud", audience);
        e = mcpt__jwt_fresh(&o.w, env, &now);
        mcpt_kv_int(&o.w, "exp", now + 300);
    }
    if (e == MCPT_OK) {
        e = mcpt__jwt_part(&o, false);
    }
    return e != MCPT_OK ? e : mcpt__jwt_seal(s, buf, cap, o.at, out);
}

#endif /* !MCPT_NO_JWT */

/* >>dpop: implementation ---------------------------------------------------------------------------------- */
#if !MCPT_NO_JWT
enum { MCPT__DP_JTI = 1, MCPT__DP_HTM, MCPT__DP_HTU, MCPT__DP_IAT, MCPT__DP_ATH, MCPT__DP_NONCE, MCPT__DP_ROWS };
enum { MCPT__NONCE_BYTES = 16, MCPT__NONCE = 22 };          /* four of time, twelve of HMAC; as text */
static const mcpt_pick mcpt__dpop_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("jti", 0), MCPT_PICK("htm", 0), MCPT_PICK("htu", 0), MCPT_PICK("iat", 0), MCPT_PICK("ath", 0),
    MCPT_PICK("nonce", 0)
};

/* The nonce of an epoch. */
static bool mcpt__nonce(const mcpt_dpop *d, int64_t epoch, char out[MCPT__NONCE])
{
    const mcpt_crypto *c = d->env->crypto;
    uint8_t raw[MCPT__NONCE_BYTES], mac[32];
    mcpt_str part[2];

    for (unsigned i = 0; i < 4; i++) {
        raw[i] = (uint8_t)((uint64_t)epoch >> (24 - 8 * i));
    }
    part[0] = mcpt__mk((const char *)raw, 4);
    part[1] = mcpt_z("rs");
    if (c == NULL || c->hmac_sha256 == NULL || !c->hmac_sha256(c->user, d->nonce_key, 32, part, 2, mac)) {
        return false;
    }
    MCPT_MEMCPY(raw + 4, mac, MCPT__NONCE_BYTES - 4);
    return mcpt_b64_encode(raw, sizeof(raw), true, out, MCPT__NONCE) == MCPT__NONCE;
}

static int64_t mcpt__nonce_epoch(const mcpt_dpop *d, int64_t now)
{
    return now / (d->nonce_s != 0 ? d->nonce_s : 60);
}

MCPT_API size_t mcpt_dpop_nonce(void *dpop, char *buf, size_t cap)
{
    mcpt_dpop *d = (mcpt_dpop *)dpop;
    int64_t now = mcpt__wall(d->env);

    return d->nonce_key != NULL && now >= 0 && cap >= MCPT__NONCE && mcpt__nonce(d, mcpt__nonce_epoch(d, now), buf) ?
        (size_t)MCPT__NONCE : 0;
}

static bool mcpt__nonce_ok(const mcpt_dpop *d, int64_t now, mcpt_str nonce)
{
    char text[MCPT__NONCE];
    bool ok = false;

    for (int64_t back = 0; back < 2 && nonce.len == sizeof(text); back++) {
        ok = (mcpt__nonce(d, mcpt__nonce_epoch(d, now) - back, text) && mcpt_same(text, nonce.ptr, sizeof(text))) || ok;
    }
    return ok;
}

/* Do two URLs name the same target? Case of scheme and host, the default port, query and fragment do not count. */
static bool mcpt__same_target(mcpt_str a, mcpt_str b)
{
    mcpt_url x, y;
    const char *hash = a.ptr != NULL ? (const char *)MCPT_MEMCHR(a.ptr, '#', a.len) : NULL;

    if (hash != NULL) {
        a.len = (size_t)(hash - a.ptr);
    }
    if (a.ptr == NULL || b.ptr == NULL || !mcpt_url_split(a, &x) || !mcpt_url_split(b, &y)) {
        return false;
    }
    x.path = x.path.len == 0 ? mcpt_z("/") : x.path;
    y.path = y.path.len == 0 ? mcpt_z("/") : y.path;
    return mcpt__same_origin(&x, &y) && mcpt_str_eq(x.path, y.path);
}

/* Remembers a proof until its time is over: OK, E_PROOF when it was seen before, E_LIMIT when there is no room. */
static mcpt_err mcpt__dpop_once(mcpt_dpop *d, const uint8_t id[32], int64_t now, int64_t until)
{
    mcpt_seen *room = NULL;
    uint32_t key[2];

    MCPT_MEMCPY(key, id, sizeof(key));
    for (size_t i = 0; i < d->nseen; i++) {
        mcpt_seen *s = &d->seen[i];
        if (s->until < (uint64_t)now) {
            room = s;
        } else if (s->id[0] == key[0] && s->id[1] == key[1]) {
            d->why = MCPT__WHY("used before");
            return MCPT_E_PROOF;
        }
    }
    if (room == NULL) {
        return MCPT_E_LIMIT;
    }
    room->id[0] = key[0];
    room->id[1] = key[1];
    room->until = (uint32_t)until;
    return MCPT_OK;
}

/* The claims of a proof whose signature is good. */
static mcpt_err mcpt__dpop_claims(mcpt_dpop *d, const mcpt__jws *j, mcpt_str method, mcpt_str url, mcpt_str token, mcpt_str jkt)
{
    const mcpt_crypto *c = d->env->crypto;
    int64_t now = mcpt__wall(d->env), iat, window = d->window != 0 ? d->window : 300;
    mcpt_span f[MCPT__DP_ROWS];
    uint8_t hash[32];
    char ath[43];
    mcpt_str part[2];

    if (mcpt__jws_part(j->payload, mcpt__dpop_picks, MCPT__DP_ROWS, f, d->buf, d->cap) != MCPT_OK) {
        return mcpt__no(&d->why, MCPT__WHY("claims are not base64url of a JSON object, or too long"));
    }
    if (!mcpt_str_eq(mcpt__jwt_str(d->buf, f[MCPT__DP_HTM]), method)) {
        return mcpt__no(&d->why, MCPT__WHY("htm"));
    }
    if (!mcpt__same_target(mcpt__jwt_str(d->buf, f[MCPT__DP_HTU]), url)) {
        return mcpt__no(&d->why, MCPT__WHY("htu"));
    }
    if (!mcpt__sha(c, token, hash) || mcpt_b64_encode(hash, 32, true, ath, sizeof(ath)) != sizeof(ath) ||
        !mcpt_str_eq(mcpt__jwt_str(d->buf, f[MCPT__DP_ATH]), mcpt__mk(ath, sizeof(ath)))) {
        return mcpt__no(&d->why, MCPT__WHY("ath"));
    }
    if (now < 0) {
        return MCPT_E_CLOCK;
    }
    if (d->nonce_key != NULL && !mcpt__nonce_ok(d, now, mcpt__jwt_str(d->buf, f[MCPT__DP_NONCE]))) {
        return MCPT_E_NONCE;
    }
    if (!mcpt__numeric_date(d->buf, f[MCPT__DP_IAT], &iat) || iat < now - window || iat > now + window) {
        return mcpt__no(&d->why, MCPT__WHY("iat"));
    }
    part[0] = jkt;
    part[1] = mcpt__jwt_str(d->buf, f[MCPT__DP_JTI]);
    if (part[1].len == 0 || !c->sha256(c->user, part, 2, hash)) {
        return mcpt__no(&d->why, MCPT__WHY("jti"));
    }
    return mcpt__dpop_once(d, hash, now, iat + window);
}

MCPT_API mcpt_err mcpt_dpop_check(mcpt_dpop *d, mcpt_str proof, mcpt_str method, mcpt_str url, mcpt_str token, mcpt_str jkt)
{
    const mcpt_crypto *c = d->env->crypto;
    char thumb[43];
    mcpt__jws j;
    mcpt_err e;

    d->why = NULL;
    if ((mcpt__algs(c) & MCPT_ES256) == 0) {
        return MCPT_E_CRYPTO;
    }
    e = mcpt__jws_open(&j, proof, c, d->buf, d->cap, &d->why);
    if (e == MCPT_OK && (j.typ != MCPT__TYP_DPOP || j.algs != MCPT_ES256 || !j.has_xy)) {
        e = mcpt__no(&d->why, MCPT__WHY("typ, alg or jwk"));
    }
    if (e == MCPT_OK) {
        if (!mcpt__thumb_xy(c, j.xy, thumb)) {
            return MCPT_E_CRYPTO;
        }
        e = mcpt_str_eq(jkt, mcpt__mk(thumb, sizeof(thumb))) ? MCPT_OK : mcpt__no(&d->why, MCPT__WHY("another key"));
    }
    if (e == MCPT_OK) {
        e = mcpt__jws_verify(&j, NULL, j.xy, c, d->buf, d->cap, &d->why);
    }
    if (e == MCPT_OK) {
        e = mcpt__dpop_claims(d, &j, method, url, token, jkt);
    }
    return e == MCPT_E_UNAUTHORIZED || e == MCPT_E_SPACE ? MCPT_E_PROOF : e;
}

MCPT_API mcpt_err mcpt_jwt_proof(const mcpt_signer *s, const mcpt_env *env, mcpt_str method, mcpt_str url, mcpt_str token,
                                 mcpt_str nonce, char *buf, size_t cap, mcpt_str *out)
{
    mcpt__jwt_out o;
    uint8_t hash[32];
    int64_t now;
    mcpt_err e;

    mcpt__jwt_begin(&o, buf, cap);
    mcpt_kv_z(&o.w, "typ", "dpop+jwt");
    mcpt_kv_z(&o.w, "alg", "ES256");
    mcpt_key(&o.w, "jwk");
    mcpt_obj(&o.w);
    mcpt_kv_z(&o.w, "kty", "EC");
    mcpt_kv_z(&o.w, "crv", "P-256");
    mcpt__kv_b64url(&o.w, "x", s->xy, 32);
    mcpt__kv_b64url(&o.w, "y", s->xy + 32, 32);
    mcpt_end(&o.w);
    e = mcpt__jwt_part(&o, true);
    if (e == MCPT_OK) {
        mcpt_kv_str(&o.w, "htm", method);
        mcpt_kv_str(&o.w, "htu", url);
        e = mcpt__jwt_fresh(&o.w, env, &now);
    }
    if (e == MCPT_OK && token.ptr != NULL) {
        e = mcpt__sha(s->crypto, token, hash) ? MCPT_OK : MCPT_E_CRYPTO;
        mcpt__kv_b64url(&o.w, "ath", hash, sizeof(hash));
    }
    if (e == MCPT_OK && nonce.ptr != NULL) {
        mcpt_kv_str(&o.w, "nonce", nonce);
    }
    if (e == MCPT_OK) {
        e = mcpt__jwt_part(&o, false);
    }
    return e != MCPT_OK ? e : mcpt__jwt_seal(s, buf, cap, o.at, out);
}
#endif /* !MCPT_NO_JWT */

#if !MCPT_NO_SERVER || !MCPT_NO_CLIENT
/* >>rpc: implementation -----------------------------------------------------------------------------------
 * JSON-RPC 2.0 as MCP uses it: the members of a message that the library needs, picked in one pass. */
enum {
    MCPT__R_ROOT, MCPT__R_JSONRPC, MCPT__R_ID, MCPT__R_METHOD, MCPT__R_PARAMS, MCPT__R_RESULT, MCPT__R_ERROR,
    MCPT__R_META, MCPT__R_NAME, MCPT__R_URI, MCPT__R_ARGUMENTS, MCPT__R_CURSOR, MCPT__R_LEVEL, MCPT__R_REQUEST_ID,
    MCPT__R_TASK_ID, MCPT__R_RESPONSES, MCPT__R_STATE, MCPT__R_VERSION, MCPT__R_CAPS, MCPT__R_NOTIFICATIONS,
    MCPT__R_M_VERSION, MCPT__R_M_CAPS, MCPT__R_M_LEVEL, MCPT__R_M_TOKEN, MCPT__R_COUNT
};
static const mcpt_pick mcpt__rpc_picks[MCPT__R_COUNT] = {
    MCPT_PICK("", 0),
    MCPT_PICK("jsonrpc", 0), MCPT_PICK("id", 0), MCPT_PICK("method", 0), MCPT_PICK("params", 0),
    MCPT_PICK("result", 0), MCPT_PICK("error", 0),
    MCPT_PICK("_meta", MCPT__R_PARAMS), MCPT_PICK("name", MCPT__R_PARAMS), MCPT_PICK("uri", MCPT__R_PARAMS),
    MCPT_PICK("arguments", MCPT__R_PARAMS), MCPT_PICK("cursor", MCPT__R_PARAMS), MCPT_PICK("level", MCPT__R_PARAMS),
    MCPT_PICK("requestId", MCPT__R_PARAMS), MCPT_PICK("taskId", MCPT__R_PARAMS),
    MCPT_PICK("inputResponses", MCPT__R_PARAMS), MCPT_PICK("requestState", MCPT__R_PARAMS),
    MCPT_PICK("protocolVersion", MCPT__R_PARAMS), MCPT_PICK("capabilities", MCPT__R_PARAMS),
    MCPT_PICK("notifications", MCPT__R_PARAMS),
    MCPT_PICK("io.modelcontextprotocol/protocolVersion", MCPT__R_META),
    MCPT_PICK("io.modelcontextprotocol/clientCapabilities", MCPT__R_META),
    MCPT_PICK("io.modelcontextprotocol/logLevel", MCPT__R_META), MCPT_PICK("progressToken", MCPT__R_META)
};

typedef struct mcpt__rpc {            /* a scanned message */
    const char *text;
    uint32_t len;
    mcpt_str name;                    /* what the method is about, unescaped; ptr NULL: nothing */
    mcpt_str v[MCPT__R_COUNT];        /* raw; len 0: absent */
} mcpt__rpc;

#if defined(__GNUC__)                 /* for functions whose frame must not stand below what others call */
#define MCPT__APART __attribute__((noinline))
#else
#define MCPT__APART
#endif

/* JSON-RPC error codes, and those of MCP. */
enum {
    MCPT__PARSE_ERROR = -32700, MCPT__INVALID_REQUEST = -32600, MCPT__METHOD_NOT_FOUND = -32601,
    MCPT__INVALID_PARAMS = -32602, MCPT__INTERNAL = -32603, MCPT__NO_RESOURCE = -32002, MCPT__UNKNOWN_SESSION = -32001,
    MCPT__HEADER_MISMATCH = -32020, MCPT__MISSING_CAPABILITY = -32021, MCPT__BAD_VERSION = -32022
};

/* Lists of names, packed: each ends with a NUL, the list with an empty name. */
static const char mcpt__revisions[] = "2025-03-26\0" "2025-06-18\0" "2025-11-25\0" "2026-07-28\0";
static const char mcpt__levels[] = "debug\0info\0notice\0warning\0error\0critical\0alert\0emergency\0";

static const char *mcpt__nth(const char *list, unsigned n)
{
    for (; n != 0; n--) {
        list += MCPT_STRLEN(list) + 1;
    }
    return list;
}

/* The number of a name in a list, or -1. */
static int mcpt__find_name(const char *list, mcpt_str s)
{
    int n = 0;

    for (; *list != '\0'; n++) {
        size_t len = MCPT_STRLEN(list);

        if (len == s.len && MCPT_MEMCMP(list, s.ptr, len) == 0) {
            return n;
        }
        list += len + 1;
    }
    return -1;
}

#if !MCPT_NO_SERVER
/* What a server offers: mcpt_server.offers as far as hub and era allow, and */
enum {
    MCPT__F_TOOLS = 32, MCPT__F_RESOURCES = 64, MCPT__F_PROMPTS = 128, MCPT__F_LEGACY = 256, MCPT__F_MODERN = 512,
    MCPT__F_LISTEN = 1024, MCPT__F_WATCH = MCPT__F_LEGACY | MCPT__F_RESOURCES | MCPT_OFFER_SUBSCRIBE,
    MCPT__F_LEVELS = MCPT__F_LEGACY | MCPT_OFFER_LOGGING
};
/* Every method: what must be offered, and the member of params that names what it is about. */
#if MCPT_NO_LEGACY
#define MCPT__METHODS_LEGACY(X)
#else
#define MCPT__METHODS_LEGACY(X) X(INITIALIZE, "initialize", MCPT__F_LEGACY, ROOT) X(PING, "ping", MCPT__F_LEGACY, ROOT) \
    X(SET_LEVEL, "logging/setLevel", MCPT__F_LEVELS, ROOT) \
    X(SUBSCRIBE, "resources/subscribe", MCPT__F_WATCH, URI) X(UNSUBSCRIBE, "resources/unsubscribe", MCPT__F_WATCH, URI)
#endif
#if MCPT_NO_RESOURCES
#define MCPT__METHODS_RESOURCES(X)
#else
#define MCPT__METHODS_RESOURCES(X) X(RESOURCES_LIST, "resources/list", MCPT__F_RESOURCES, ROOT) \
    X(TEMPLATES_LIST, "resources/templates/list", MCPT__F_RESOURCES, ROOT) X(RESOURCES_READ, "resources/read", MCPT__F_RESOURCES, URI)
#endif
#if MCPT_NO_PROMPTS
#define MCPT__METHODS_PROMPTS(X)
#else
#define MCPT__METHODS_PROMPTS(X) X(PROMPTS_LIST, "prompts/list", MCPT__F_PROMPTS, ROOT) X(PROMPTS_GET, "prompts/get", MCPT__F_PROMPTS, NAME)
#endif
#if MCPT_NO_COMPLETION
#define MCPT__METHODS_COMPLETION(X)
#else
#define MCPT__METHODS_COMPLETION(X) X(COMPLETE, "completion/complete", MCPT_OFFER_COMPLETIONS, ROOT)
#endif
#if MCPT_NO_LISTEN
#define MCPT__METHODS_LISTEN(X)
#else
#define MCPT__METHODS_LISTEN(X) X(LISTEN, "subscriptions/listen", MCPT__F_LISTEN, ROOT)
#endif
#if MCPT_NO_TASKS
#define MCPT__METHODS_TASKS(X)
#else
#define MCPT__METHODS_TASKS(X) X(TASKS_GET, "tasks/get", MCPT_OFFER_TASKS, TASK_ID) \
    X(TASKS_UPDATE, "tasks/update", MCPT_OFFER_TASKS, TASK_ID) X(TASKS_CANCEL, "tasks/cancel", MCPT_OFFER_TASKS, TASK_ID)
#endif
#define MCPT__METHODS(X) X(DISCOVER, "server/discover", MCPT__F_MODERN, ROOT) X(TOOLS_LIST, "tools/list", MCPT__F_TOOLS, ROOT) \
    X(TOOLS_CALL, "tools/call", MCPT__F_TOOLS, NAME) MCPT__METHODS_RESOURCES(X) MCPT__METHODS_PROMPTS(X) \
    MCPT__METHODS_COMPLETION(X) MCPT__METHODS_LISTEN(X) MCPT__METHODS_TASKS(X) MCPT__METHODS_LEGACY(X)
enum {
#define MCPT_X(name, text, need, subject) MCPT__##name,
    MCPT__METHODS(MCPT_X)
#undef MCPT_X
    MCPT__METHOD_COUNT
};
#define MCPT_X(name, text, need, subject) text "\0"
static const char mcpt__methods[] = MCPT__METHODS(MCPT_X);
#undef MCPT_X
#define MCPT_X(name, text, need, subject) { need, MCPT__R_##subject },
static const struct { uint16_t need; uint8_t subject; } mcpt__method_rows[] = { MCPT__METHODS(MCPT_X) };
#undef MCPT_X
#endif

/* The faults the library itself finds in a request: a JSON-RPC error each, and the HTTP status where one can be sent. */
#define MCPT__FAULTS(X) \
    X(JSON, 400, PARSE_ERROR, "not JSON") \
    X(UTF8, 400, PARSE_ERROR, "not UTF-8") \
    X(DEPTH, 400, INVALID_REQUEST, "nested too deep") \
    X(TWICE, 400, INVALID_REQUEST, "a member comes twice") \
    X(CURSOR, 200, INVALID_PARAMS, "invalid cursor") \
    X(TOOL, 200, INVALID_PARAMS, "unknown tool") \
    X(PROMPT, 200, INVALID_PARAMS, "unknown prompt") \
    X(REFERENCE, 200, INVALID_PARAMS, "unknown completion reference") \
    X(TASK, 200, INVALID_PARAMS, "unknown task") \
    X(LEVEL, 200, INVALID_PARAMS, "unknown level") \
    X(RESOURCE, 200, INVALID_PARAMS, "resource not found") \
    X(OLD_RESOURCE, 200, NO_RESOURCE, "resource not found") \
    X(NOT_FOUND, 200, INVALID_PARAMS, "not found") \
    X(PARAMS, 200, INVALID_PARAMS, "invalid params") \
    X(NAME, 200, INVALID_PARAMS, "params name nothing") \
    X(ARGUMENTS, 200, INVALID_PARAMS, "arguments must be an object") \
    X(VALUES, 200, INVALID_PARAMS, "arguments with too many values, or a member twice") \
    X(PROMPT_ARGS, 200, INVALID_PARAMS, "an argument is missing or not a string") \
    X(RESPONSES, 200, INVALID_PARAMS, "inputResponses must be an object") \
    X(STATE, 200, INVALID_PARAMS, "invalid or expired requestState") \
    X(FILTER, 200, INVALID_PARAMS, "notifications must be an object") \
    X(NO_VERSION, 200, INVALID_PARAMS, "protocolVersion is missing") \
    X(META, 400, INVALID_PARAMS, "_meta without protocolVersion and clientCapabilities") \
    X(SPACE, 200, INTERNAL, "the answer does not fit") \
    X(TASK_SPACE, 200, INTERNAL, "the answers do not fit") \
    X(STATE_SPACE, 200, INTERNAL, "requestState too large") \
    X(PIECES, 200, INTERNAL, "an answer in pieces cannot be kept") \
    X(TIMEOUT, 200, INTERNAL, "the client did not answer in time") \
    X(HANDLER, 200, INTERNAL, "internal error") \
    X(SUBSCRIPTIONS, 200, INTERNAL, "too many subscriptions") \
    X(NO_STREAM, 200, INTERNAL, "event streams not accepted") \
    X(NO_TASK, 200, INTERNAL, "no room for another task") \
    X(SCOPE, 200, INVALID_REQUEST, "the access token lacks a scope") \
    X(NO_SESSION, 503, INTERNAL, "no room for another session") \
    X(CLOSING, 503, INTERNAL, "the server is closing") \
    X(METHOD, 404, METHOD_NOT_FOUND, "method not found") \
    X(OLD_METHOD, 200, METHOD_NOT_FOUND, "method not found") \
    X(H_VERSION, 400, HEADER_MISMATCH, "header mismatch: MCP-Protocol-Version") \
    X(H_METHOD, 400, HEADER_MISMATCH, "header mismatch: Mcp-Method") \
    X(H_NAME, 400, HEADER_MISMATCH, "header mismatch: Mcp-Name") \
    X(H_PARAM, 400, HEADER_MISMATCH, "header mismatch: Mcp-Param") \
    X(VERSION, 400, BAD_VERSION, "unsupported protocol version") \
    X(CAPABILITY, 400, MISSING_CAPABILITY, "missing client capability") \
    X(OLD_CAPABILITY, 200, INVALID_REQUEST, "the client does not support what this must ask for") \
    X(DECLINED, 200, INVALID_REQUEST, "the user declined") \
    X(SESSIONLESS, 200, INVALID_REQUEST, "subscriptions need a session") \
    X(MESSAGE, 400, INVALID_REQUEST, "not a JSON-RPC 2.0 message") \
    X(RESPONSE, 400, INVALID_REQUEST, "responses are not accepted") \
    X(AGAIN, 400, INVALID_REQUEST, "already initialized, or in a batch") \
    X(INITIALIZE, 400, INVALID_REQUEST, "no Mcp-Session-Id: initialize first") \
    X(SESSION, 404, UNKNOWN_SESSION, "no such session: initialize again") \
    X(OLD_VERSION, 400, INVALID_REQUEST, "unsupported MCP-Protocol-Version") \
    X(EVENTS, 400, INVALID_REQUEST, "events not kept") \
    X(BATCH, 400, INVALID_REQUEST, "no batch, or none in this revision") \
    X(BATCH_STREAM, 406, INVALID_REQUEST, "batches need text/event-stream") \
    X(LINE, 400, INVALID_REQUEST, "line too long")
enum {                                /* functions that deal with a request answer 0, a fault, or */
#define MCPT_X(name, status, code, text) MCPT__E_##name,
    MCPT__E_NONE, MCPT__FAULTS(MCPT_X)
#undef MCPT_X
    MCPT__E_RUN                       /* that the job's handler is to run now; elsewhere also, from 400 on, an HTTP status */
};

typedef struct mcpt__fault {
    int code;
    uint16_t status;
    const char *text;
} mcpt__fault;

static mcpt__fault mcpt__fault_of(int n)
{
#define MCPT_X(name, status, code, text) (uint16_t)((MCPT__##code + 32768) * 8 + (status == 400 ? 1 : status == 404 ? 2 : status == 406 ? 3 : status == 503 ? 4 : 0)),
    static const uint16_t rows[] = { MCPT__FAULTS(MCPT_X) };
#undef MCPT_X
    static const uint16_t statuses[] = { 200, 400, 404, 406, 503 };
    mcpt__fault f;

#if !MCPT_NO_HTTP
    if (n >= 400) {
        f.code = MCPT__INVALID_REQUEST;
        f.status = (uint16_t)n;
        f.text = mcpt_reason((unsigned)n);
        return f;
    }
#endif
    f.code = rows[n - 1] / 8 - 32768;
    f.status = statuses[rows[n - 1] & 7];
#if MCPT_NO_STRERROR
    f.text = "error";                 /* the code alone must do */
#else
    {
#define MCPT_X(name, status, code, text) text "\0"
        static const char texts[] = MCPT__FAULTS(MCPT_X);
#undef MCPT_X
        f.text = mcpt__nth(texts, (unsigned)n - 1);
    }
#endif
    return f;
}

/* What the scanner found wrong with a message. */
static int mcpt__fault_scan(mcpt_err e)
{
    return e == MCPT_E_DUPLICATE ? MCPT__E_TWICE : e == MCPT_E_DEPTH ? MCPT__E_DEPTH : e == MCPT_E_UTF8 ? MCPT__E_UTF8 : MCPT__E_JSON;
}

/* Writes JSON of the library's own in one go: whole members, or the opening of opened containers (the text then ends
 * with their brackets, or with members of the innermost). The text begins with the comma that it may need. What the
 * writer must know about it is set, not found out. */
static MCPT__QUICK void mcpt__frag(mcpt_writer *w, const char *text, unsigned opened)
{
    size_t n = MCPT_STRLEN(text);
    char last = text[n - 1];
    unsigned first = w->comma & 1u;

    mcpt__w_bytes(w, text + 1u - first, n - 1u + first);
    w->comma |= 1u;
    if (opened != 0) {
        w->depth = (uint8_t)(w->depth + opened);
        w->kind = ((w->kind + 1u) << opened) - (last == '[' ? 2u : 1u);     /* objects, maybe not the innermost */
        w->comma = ((w->comma + 1u) << opened) - ((last | 0x20) == '{' ? 2u : 1u);
    }
}

/* The member of a text: nothing for NULL. key: with its quotes and the opening quote of the value. */
static void mcpt__frag_z(mcpt_writer *w, const char *key, const char *z)
{
    if (z != NULL) {
        mcpt__frag(w, key, 0);
        mcpt__w_escape(w, z, MCPT_STRLEN(z));
        mcpt__w_bytes(w, "\"", 1);
    }
}

static void mcpt__frag_raw(mcpt_writer *w, const char *key, mcpt_str json)
{
    mcpt__frag(w, key, 0);
    mcpt__w_json(w, json.ptr, json.len);
}
#define mcpt__kv_z(w, key, z) mcpt__frag_z((w), ",\"" key "\":\"", (z))
#define mcpt__kv_raw(w, key, json) mcpt__frag_raw((w), ",\"" key "\":", (json))
#define mcpt__kv_obj(w, key) mcpt__frag((w), ",\"" key "\":{", 1)
#define mcpt__kv_arr(w, key) mcpt__frag((w), ",\"" key "\":[", 1)

/* What a checked raw value begins with tells its kind; '\0': absent. */
static char mcpt__first(mcpt_str raw)
{
    return raw.len != 0 ? raw.ptr[0] : '\0';
}

/* A raw JSON string as text: a view when it has no escapes, else unescaped into buf. False: not a string, or
 * unescaped longer than cap. */
static MCPT__QUICK bool mcpt__raw_text(mcpt_str raw, char *buf, size_t cap, mcpt_str *out)
{
    if (mcpt__first(raw) != '"') {
        return false;
    }
    *out = mcpt__mk(raw.ptr + 1, raw.len - 2);
    if (MCPT_MEMCHR(raw.ptr, '\\', raw.len) != NULL) {
        out->len = mcpt_unescape(raw, buf, cap);
        out->ptr = buf;
    }
    return out->len != (size_t)-1;
}

static int mcpt__revision(mcpt_str s)
{
    return mcpt__find_name(mcpt__revisions, s) + 1;         /* 0: none there is */
}

/* The number of a raw level, or -1. */
static int mcpt__level(mcpt_str raw)
{
    char buf[16];
    mcpt_str level;

    return mcpt__raw_text(raw, buf, sizeof(buf), &level) ? mcpt__find_name(mcpt__levels, level) : -1;
}

/* An id or progress token that may be echoed: a string, or an integer without fraction and exponent. */
static bool mcpt__id_ok(mcpt_str raw)
{
    char first = mcpt__first(raw);
    size_t i = first == '-' ? 1 : 0;

    while (first != '"' && i < raw.len && mcpt__digit(raw.ptr[i])) {
        i++;
    }
    return raw.len <= MCPT_MAX_ID && (first == '"' || (i == raw.len && i != 0));
}

static MCPT__APART mcpt_err mcpt__rpc_scan(mcpt__rpc *r, const char *text, size_t len)
{
    mcpt_span f[MCPT__R_COUNT];
    mcpt_scan scan;
    mcpt_err e;
    int i;

    r->text = text;
    r->len = (uint32_t)len;
    mcpt_scan_init(&scan, mcpt__rpc_picks, MCPT__R_COUNT, f);
    e = mcpt_scan_feed(&scan, text, len);
    for (i = 0; i < MCPT__R_COUNT; i++) {
        r->v[i] = mcpt__cut(text, f[i]);
    }
    return e < 0 ? e : mcpt_scan_end(&scan);
}

/* Client capabilities as MCPT_CAN_x; what is not an object declares nothing. */
static unsigned mcpt__caps(mcpt_str raw)
{
    enum { ROOT, ELICITATION, SAMPLING, ROOTS, EXTENSIONS, FORM, URL, TOOLS, CONTEXT, TASKS, COUNT };
    static const mcpt_pick picks[COUNT] = {
        MCPT_PICK("", 0), MCPT_PICK("elicitation", 0), MCPT_PICK("sampling", 0), MCPT_PICK("roots", 0),
        MCPT_PICK("extensions", 0), MCPT_PICK("form", ELICITATION), MCPT_PICK("url", ELICITATION),
        MCPT_PICK("tools", SAMPLING), MCPT_PICK("context", SAMPLING),
        MCPT_PICK("io.modelcontextprotocol/tasks", EXTENSIONS)
    };
    static const uint8_t bits[COUNT] = { 0, 128, 4, 32, 0, 1, 2, 8, 16, 64 };
    mcpt_span f[COUNT];
    mcpt_scan scan;
    unsigned can = 0;
    int i;

    mcpt_scan_init(&scan, picks, COUNT, f);
    if (raw.len == 0 || mcpt_scan_feed(&scan, raw.ptr, raw.len) < 0) {
        return 0;
    }
    for (i = 1; i < COUNT; i++) {
        if (mcpt__first(mcpt__cut(raw.ptr, f[i])) == '{') {
            can |= bits[i];
        }
    }
    if ((can & 128u) != 0 && (can & MCPT_CAN_URL) == 0) {
        can |= MCPT_CAN_FORM;         /* an empty elicitation capability means form mode */
    }
    return can & 127;
}

#endif /* !MCPT_NO_SERVER || !MCPT_NO_CLIENT */

#if !MCPT_NO_SERVER
/* >>hub: implementation -----------------------------------------------------------------------------------
 * Lists and tables that connections share. What runs handlers (mcpt_hub_run) stands in >>conn. */
enum { MCPT__S_USED = 1, MCPT__S_LINES = 2, MCPT__S_DIRTY = 4 };           /* mcpt_session.flags */
enum {                                                                     /* mcpt_job.state */
    MCPT__J_IDLE, MCPT__J_RUN, MCPT__J_WAIT, MCPT__J_ASKED
};
enum {                                                                     /* mcpt_job.flags */
    MCPT__J_EVENTS = 1, MCPT__J_LEAVE = 2, MCPT__J_TASK = 4, MCPT__J_TIMED = 8, MCPT__J_WOKEN = 16,
    MCPT__J_BECOME = 32, MCPT__J_LINKED = 64, MCPT__J_MODERN = 128
};
enum { MCPT__T_WORKING = 1, MCPT__T_INPUT, MCPT__T_COMPLETED, MCPT__T_FAILED, MCPT__T_CANCELLED };  /* mcpt_slot.status */
enum { MCPT__TIMER_REQUEST, MCPT__TIMER_IDLE, MCPT__TIMER_STREAM, MCPT__TIMER_NONE };

/* What a switch has removed is a constant, so that the code for it goes too. */
static bool mcpt__is_lines(const mcpt_conn *c)
{
    return !MCPT_NO_LINES && (MCPT_NO_HTTP || c->io.framing == MCPT_LINES);
}

static bool mcpt__is_hosted(const mcpt_conn *c)
{
    return !MCPT_NO_HTTP && !MCPT_NO_HOSTED && c->io.framing == MCPT_HOSTED;
}

static uint32_t mcpt__now(const mcpt_server *s)
{
    return s->env->millis(s->env->user);
}

static bool mcpt__due(uint32_t now, uint32_t at)
{
    return (int32_t)(now - at) >= 0;  /* right across the wrap of a 32-bit millisecond clock */
}

/* The time in so many milliseconds, at most 24 days: what is further away would be past. */
static uint32_t mcpt__after(const mcpt_server *s, uint32_t ms)
{
    return mcpt__now(s) + (ms < 0x7fffffff ? ms : 0x7fffffff);
}

static bool mcpt__random(const mcpt_server *s, void *buf, size_t len)
{
    return s->env->random != NULL && s->env->random(s->env->user, buf, len);
}

static void mcpt__note(const mcpt_server *s, mcpt_level level, mcpt_err what, const char *text)
{
    if (s->env->log != NULL) {
        s->env->log(s->env->user, level, what, text);
    }
}

/* -- ready list */
static void mcpt__ready(mcpt_hub *hub, mcpt_conn *c)
{
    if (hub == NULL || c->in_ready != 0) {
        return;
    }
    c->in_ready = 1;
    c->ready_next = NULL;
    if (hub->ready_last != NULL) {
        hub->ready_last->ready_next = c;
    } else {
        hub->ready = c;
    }
    hub->ready_last = c;
}

MCPT_API struct mcpt_conn *mcpt_hub_next(mcpt_hub *hub)
{
    mcpt_conn *c = hub->ready;

    if (c != NULL) {
        hub->ready = c->ready_next;
        if (hub->ready == NULL) {
            hub->ready_last = NULL;
        }
        c->in_ready = 0;
    }
    return c;
}

static void mcpt__unready(mcpt_hub *hub, const mcpt_conn *c)
{
    mcpt_conn *before = NULL;
    mcpt_conn *at;

    for (at = hub->ready; at != NULL && at != c; at = at->ready_next) {
        before = at;
    }
    if (at == NULL) {
        return;
    }
    if (before != NULL) {
        before->ready_next = at->ready_next;
    } else {
        hub->ready = at->ready_next;
    }
    if (hub->ready_last == at) {
        hub->ready_last = before;
    }
    at->in_ready = 0;
}

/* -- timers: one list for each duration, so that appending keeps it in order and nothing is ever searched */
static uint32_t mcpt__timer_ms(const mcpt_server *s, unsigned timer)
{
    if (timer == MCPT__TIMER_REQUEST) {
        return s->timeout_ms != 0 ? s->timeout_ms : 10000;
    }
    if (timer == MCPT__TIMER_IDLE) {
        return s->idle_ms != 0 ? s->idle_ms : 60000;
    }
    return 15000;                     /* a comment keeps event streams alive through proxies */
}

static void mcpt__timer_stop(mcpt_conn *c)
{
    mcpt_hub *hub = c->hub;

    if (hub == NULL || c->timer == MCPT__TIMER_NONE) {
        return;
    }
    if (c->timer_prev != NULL) {
        c->timer_prev->timer_next = c->timer_next;
    } else {
        hub->timer[c->timer].first = c->timer_next;
    }
    if (c->timer_next != NULL) {
        c->timer_next->timer_prev = c->timer_prev;
    } else {
        hub->timer[c->timer].last = c->timer_prev;
    }
    c->timer = MCPT__TIMER_NONE;
}

static void mcpt__timer_start(mcpt_conn *c, uint8_t timer)
{
    mcpt_hub *hub = c->hub;

    if (hub == NULL) {
        return;
    }
    mcpt__timer_stop(c);
    c->deadline = mcpt__after(c->server, mcpt__timer_ms(c->server, timer));
    c->timer = timer;
    c->timer_next = NULL;
    c->timer_prev = hub->timer[timer].last;
    if (c->timer_prev != NULL) {
        c->timer_prev->timer_next = c;
    } else {
        hub->timer[timer].first = c;
    }
    hub->timer[timer].last = c;
}

/* -- jobs */
static void mcpt__job_link(mcpt_hub *hub, mcpt_job *j)
{
    if (hub != NULL && (j->flags & MCPT__J_LINKED) == 0) {
        j->next = hub->jobs;
        hub->jobs = j;
        j->flags |= MCPT__J_LINKED;
    }
}

static void mcpt__job_unlink(mcpt_hub *hub, mcpt_job *j)
{
    mcpt_job **at;

    if (hub == NULL || (j->flags & MCPT__J_LINKED) == 0) {
        return;
    }
    for (at = &hub->jobs; *at != NULL; at = &(*at)->next) {
        if (*at == j) {
            *at = j->next;
            break;
        }
    }
    j->flags = (uint8_t)(j->flags & ~MCPT__J_LINKED);
}

static void mcpt__job_alarm(mcpt_hub *hub, mcpt_job *j, uint32_t at)
{
    j->wake_at = at;
    j->flags |= MCPT__J_TIMED;
    if (hub != NULL && (hub->has_due == 0 || !mcpt__due(at, hub->due))) {
        hub->due = at;
        hub->has_due = 1;
    }
}

/* -- slots */
static bool mcpt__slot_expired(const mcpt_hub *hub, const mcpt_slot *s)
{
    return s->status > MCPT__T_INPUT && s->ttl_ms != 0 && mcpt__now(hub->server) - s->born >= s->ttl_ms;
}

/* Lets what a request's job points at in its text stand in a copy. */
static void mcpt__job_move(mcpt_job *j, const char *text)
{
    static const uint8_t parts[] = { offsetof(mcpt_job, id), offsetof(mcpt_job, name), offsetof(mcpt_job, args), offsetof(mcpt_job, meta),
                                     offsetof(mcpt_job, caps), offsetof(mcpt_job, token), offsetof(mcpt_job, responses) };
    mcpt_str s;
    size_t i;

    for (i = 0; i < sizeof(parts); i++) {
        MCPT_MEMCPY(&s, (char *)j + parts[i], sizeof(s));
        if (s.len != 0) {
            s.ptr = text + (s.ptr - j->text);
            MCPT_MEMCPY((char *)j + parts[i], &s, sizeof(s));
        }
    }
    j->text = text;
}

/* The place for a request outside its connection: a free slot, or one whose task has outlived its time-to-live. */
static mcpt_slot *mcpt__slot_for(mcpt_hub *hub, const mcpt_job *j)
{
    size_t need = (size_t)j->text_len + j->tail_len + 64;
    size_t i;

    if (j->who != NULL && j->verdict == NULL) {
        return NULL;                  /* a principal in the host's memory does not last */
    }
    for (i = 0; hub != NULL && i < hub->mem.nslots && need <= hub->mem.slot_size; i++) {
        mcpt_slot *s = &hub->mem.slots[i];

        if (s->job.state == MCPT__J_IDLE && (s->status == 0 || mcpt__slot_expired(hub, s))) {
            return s;
        }
    }
    return NULL;
}

/* Moves a request with its answers so far out of its connection; NULL: no slot, or it is too small. */
static mcpt_slot *mcpt__park(mcpt_hub *hub, mcpt_job *j)
{
    mcpt_slot *s = mcpt__slot_for(hub, j);

    if (s == NULL) {
        return NULL;
    }
    mcpt_wipe(s, sizeof(*s));
    s->data = (char *)hub->mem.slot_data + (size_t)(s - hub->mem.slots) * hub->mem.slot_size;
    s->cap = (uint32_t)hub->mem.slot_size;
    mcpt__job_unlink(hub, j);
    s->job = *j;
    MCPT_MEMCPY(s->data, j->text, j->text_len);
    mcpt__job_move(&s->job, s->data);
    s->job.tail = s->data + s->job.text_len;
    s->job.tail_cap = s->cap - s->job.text_len;
    MCPT_MEMCPY(s->job.tail, j->tail, j->tail_len);
    s->job.slot = s;
    mcpt__job_link(hub, &s->job);
    j->state = MCPT__J_IDLE;
    if (j->conn != NULL && j->conn->work == j) {
        j->conn->work = NULL;
    }
    return s;
}

static void mcpt__slot_free(mcpt_hub *hub, mcpt_slot *s)
{
    mcpt__job_unlink(hub, &s->job);
    if (s->data != NULL) {
        mcpt_wipe(s->data, s->cap);
    }
    s->job.state = MCPT__J_IDLE;
    s->status = 0;
}

/* -- ids of sessions and tasks: text, because that is how they come back */
static bool mcpt__id_make(const mcpt_server *s, char *id)
{
    int i;

    if (!mcpt__random(s, id + 17, 16)) {
        return false;
    }
    for (i = 0; i < 16; i++) {        /* each byte is read before its place is written */
        unsigned b = (unsigned char)id[17 + i];

        id[2 * i] = "0123456789abcdef"[b >> 4];
        id[2 * i + 1] = "0123456789abcdef"[b & 15];
    }
    id[32] = '\0';
    return true;
}

static bool mcpt__id_is(const char *id, mcpt_str text)
{
    return text.len == 32 && mcpt_same(id, text.ptr, 32);
}

#if !MCPT_NO_TASKS
/* owner: whose it must be; NULL: anybody's. */
static mcpt_slot *mcpt__task_find(mcpt_hub *hub, mcpt_str text, const uint8_t *owner)
{
    size_t i;

    for (i = 0; hub != NULL && i < hub->mem.nslots; i++) {
        mcpt_slot *s = &hub->mem.slots[i];

        if (s->status != 0 && !mcpt__slot_expired(hub, s) && mcpt__id_is(s->id, text)) {
            return owner == NULL || mcpt_same(s->job.owner, owner, 16) ? s : NULL;
        }
    }
    return NULL;
}
#endif

/* -- subscriptions of a session or listener */
#if !MCPT_NO_LISTEN
/* The number of uri among the subscribed ones, or -1; *at its offset. */
static int mcpt__subs_find(const mcpt_subs *subs, mcpt_str uri, uint32_t *at)
{
    uint32_t i = 0;
    int n = 0;

    while (i < subs->used) {
        size_t len = MCPT_STRLEN(subs->uris + i);

        if (len == uri.len && MCPT_MEMCMP(subs->uris + i, uri.ptr, len) == 0) {
            *at = i;
            return n;
        }
        i += (uint32_t)len + 1;
        n++;
    }
    *at = i;
    return -1;
}

static bool mcpt__subs_add(mcpt_subs *subs, mcpt_str uri)
{
    uint32_t at;
    uint32_t i;
    int n = 0;

    if (uri.len == 0 || MCPT_MEMCHR(uri.ptr, '\0', uri.len) != NULL) {
        return false;
    }
    if (mcpt__subs_find(subs, uri, &at) >= 0) {
        return true;
    }
    for (i = 0; i < subs->used; i++) {
        n += subs->uris[i] == '\0';
    }
    if (n >= 32 || at + uri.len + 1 > sizeof(subs->uris)) {
        return false;
    }
    MCPT_MEMCPY(subs->uris + at, uri.ptr, uri.len);
    subs->uris[at + uri.len] = '\0';
    subs->used = (uint16_t)(at + uri.len + 1);
    return true;
}

static void mcpt__subs_remove(mcpt_subs *subs, mcpt_str uri)
{
    uint32_t at;
    int n = mcpt__subs_find(subs, uri, &at);
    uint32_t below;

    if (n < 0) {
        return;
    }
    MCPT_MEMMOVE(subs->uris + at, subs->uris + at + uri.len + 1, subs->used - at - uri.len - 1);
    subs->used = (uint16_t)(subs->used - uri.len - 1);
    below = ((uint32_t)1 << n) - 1;
    subs->dirty = (subs->dirty & below) | ((subs->dirty >> 1) & ~below);
}

static bool mcpt__subs_mark(mcpt_subs *subs, unsigned lists, mcpt_str uri)
{
    uint32_t at;
    int n = uri.len != 0 ? mcpt__subs_find(subs, uri, &at) : -1;

    lists &= subs->lists;
    subs->lists_dirty |= (uint8_t)lists;
    if (n >= 0) {
        subs->dirty |= (uint32_t)1 << n;
    }
    return lists != 0 || n >= 0;
}

/* Marks what changed at everybody who wants it; their connections send when they can. */
static void mcpt__publish(mcpt_hub *hub, unsigned lists, mcpt_str uri)
{
    size_t i;

    for (i = 0; i < hub->mem.nlisteners; i++) {
        mcpt_listener *l = &hub->mem.listeners[i];

        if (l->conn != NULL && mcpt__subs_mark(&l->subs, lists, uri)) {
            mcpt__ready(hub, l->conn);
        }
    }
    for (i = 0; i < hub->mem.nsessions; i++) {
        mcpt_session *s = &hub->mem.sessions[i];

        if ((s->flags & MCPT__S_USED) != 0 && mcpt__subs_mark(&s->subs, lists, uri) && s->conn != NULL) {
            mcpt__ready(hub, s->conn);
        }
    }
}

MCPT_API void mcpt_hub_changed(mcpt_hub *hub, unsigned lists)
{
    mcpt__publish(hub, lists, mcpt__mk(NULL, 0));
}

MCPT_API void mcpt_hub_updated(mcpt_hub *hub, const char *uri)
{
    mcpt__publish(hub, 0, mcpt_z(uri));
}
#endif

/* -- legacy sessions */
#if !MCPT_NO_LEGACY
static mcpt_session *mcpt__session_find(mcpt_hub *hub, mcpt_str text)
{
    uint32_t now = mcpt__now(hub->server);
    uint32_t idle = hub->server->session_ms != 0 ? hub->server->session_ms : 1800000;
    size_t i;

    for (i = 0; i < hub->mem.nsessions; i++) {
        mcpt_session *s = &hub->mem.sessions[i];

        if ((s->flags & (MCPT__S_USED | MCPT__S_LINES)) == MCPT__S_USED && mcpt__id_is(s->id, text)) {
            if (s->conn == NULL && now - s->used_at >= idle) {
                return NULL;          /* expired; its place is reused by the next initialize */
            }
            s->used_at = now;
            return s;
        }
    }
    return NULL;
}

/* Ends a session: its stream is closed, calls without a connection are cancelled by the hub's next run, and whoever
 * still works for it forgets it, because its place may soon be another session's. */
static void mcpt__session_end(mcpt_hub *hub, mcpt_session *s)
{
    mcpt_conn *c;
    mcpt_job *j;
    unsigned i;

    for (j = hub->jobs; j != NULL; j = j->next) {
        if (j->session == s) {
            j->session = NULL;
            if (j->conn != NULL) {
                j->conn->session = NULL;
            } else {
                mcpt__job_alarm(hub, j, mcpt__now(hub->server));
            }
        }
    }
    for (i = MCPT__TIMER_REQUEST; i <= MCPT__TIMER_STREAM; i += MCPT__TIMER_STREAM - MCPT__TIMER_REQUEST) {
        for (c = hub->timer[i].first; c != NULL; c = c->timer_next) {    /* all that are neither idle nor running now */
            c->session = c->session == s ? NULL : c->session;
            c->job.session = c->job.session == s ? NULL : c->job.session;
        }
    }
    if (s->conn != NULL) {
        s->conn->session = NULL;
        mcpt__ready(hub, s->conn);
        s->conn = NULL;
    }
    mcpt_wipe(s->id, sizeof(s->id));
    s->flags = 0;
}

/* How long ago a session was used; one that listens, or has a call in work, gives way after all others. */
static uint32_t mcpt__session_age(const mcpt_hub *hub, const mcpt_session *s, uint32_t now)
{
    uint32_t age = now - s->used_at;
    const mcpt_job *j;

    for (j = hub->jobs; j != NULL && j->session != s; j = j->next) { }
    return s->conn != NULL || j != NULL ? age >> 1 : age >> 1 | 0x80000000u;
}

/* A new session: a free place, or that of the least recently used session over HTTP. */
static mcpt_session *mcpt__session_new(mcpt_hub *hub)
{
    mcpt_session *best = NULL;
    uint32_t now = mcpt__now(hub->server);
    char *replay;
    size_t i;

    for (i = 0; i < hub->mem.nsessions; i++) {
        mcpt_session *s = &hub->mem.sessions[i];

        if ((s->flags & MCPT__S_USED) == 0) {
            best = s;
            break;
        }
        if ((s->flags & MCPT__S_LINES) == 0 && (best == NULL || mcpt__session_age(hub, s, now) > mcpt__session_age(hub, best, now))) {
            best = s;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    if ((best->flags & MCPT__S_USED) != 0) {
        mcpt__note(hub->server, MCPT_INFO, MCPT_E_LIMIT, "session table full: the least recently used one ends");
        mcpt__session_end(hub, best);
    }
    replay = hub->mem.replay != NULL ? (char *)hub->mem.replay + (size_t)(best - hub->mem.sessions) * hub->mem.replay_size : NULL;
    MCPT_MEMSET(best, 0, sizeof(*best));
    if (!mcpt__id_make(hub->server, best->id)) {
        return NULL;
    }
    best->flags = MCPT__S_USED;
    best->used_at = now;
    best->level = MCPT_INFO;
    best->replay = replay;
    best->replay_cap = replay != NULL ? (uint32_t)hub->mem.replay_size : 0;
    return best;
}

/* -- replay memory: records of {stream, seq, length} and the JSON text, oldest first */
static uint32_t mcpt__replay_get(const char *p)
{
    uint32_t v;

    MCPT_MEMCPY(&v, p, sizeof(v));
    return v;
}

static void mcpt__replay_drop(mcpt_session *s)
{
    uint32_t n = 12 + mcpt__replay_get(s->replay + 8);

    MCPT_MEMMOVE(s->replay, s->replay + n, s->replay_len - n);
    s->replay_len -= n;
}

/* Makes room for n bytes of text; false: more than the memory holds at all. */
static bool mcpt__replay_room(mcpt_session *s, size_t n)
{
    if (n + 12 > s->replay_cap) {
        return false;
    }
    while (s->replay_cap - s->replay_len < n + 12) {
        mcpt__replay_drop(s);
    }
    return true;
}

/* Appends the record of a text that stands behind the record header already, or is copied there. */
static void mcpt__replay_add(mcpt_session *s, uint32_t stream, const char *text, size_t n)
{
    char *p;
    uint32_t len = (uint32_t)n;

    s->seq++;
    if (s->replay_cap == 0 || !mcpt__replay_room(s, n)) {
        return;
    }
    p = s->replay + s->replay_len;
    MCPT_MEMCPY(p, &stream, 4);
    MCPT_MEMCPY(p + 4, &s->seq, 4);
    MCPT_MEMCPY(p + 8, &len, 4);
    MCPT_MEMMOVE(p + 12, text, n);
    s->replay_len += 12 + len;
}

/* The first kept record of stream with a sequence number above seq, or NULL. */
static const char *mcpt__replay_next(const mcpt_session *s, uint32_t stream, uint32_t seq)
{
    uint32_t i;

    for (i = 0; i < s->replay_len; i += 12 + mcpt__replay_get(s->replay + i + 8)) {
        if (mcpt__replay_get(s->replay + i) == stream && mcpt__replay_get(s->replay + i + 4) > seq) {
            return s->replay + i;
        }
    }
    return NULL;
}
#endif

static void mcpt__zero(void *p, size_t n)
{
    if (p != NULL) {
        MCPT_MEMSET(p, 0, n);
    }
}

MCPT_API mcpt_err mcpt_hub_init_(mcpt_hub *hub, const mcpt_server *server, const mcpt_hub_mem *mem, uint32_t abi)
{
    if (abi != MCPT_ABI) {
        return MCPT_E_ABI;
    }
    if (hub == NULL || server == NULL || mem == NULL || server->env == NULL || server->env->millis == NULL) {
        return MCPT_E_ARG;
    }
    MCPT_MEMSET(hub, 0, sizeof(*hub));
    hub->server = server;
    hub->mem = *mem;
    mcpt__zero(mem->sessions, mem->nsessions * sizeof(mem->sessions[0]));
    mcpt__zero(mem->listeners, mem->nlisteners * sizeof(mem->listeners[0]));
    mcpt__zero(mem->slots, mem->nslots * sizeof(mem->slots[0]));
    mcpt__zero(mem->rates, server->ntools * sizeof(mem->rates[0]));
    mcpt__zero(mem->verdicts, mem->nverdicts * sizeof(mem->verdicts[0]));
    hub->has_key = mcpt__random(server, hub->state_key, sizeof(hub->state_key)) ? 1 : 0;
    if (hub->has_key == 0 && (mem->nsessions != 0 || mem->nslots != 0)) {
        return MCPT_E_RANDOM;
    }
    return MCPT_OK;
}

MCPT_API void mcpt_hub_notify(mcpt_hub *hub, void (*notify)(void *user), void *user)
{
    hub->notify = notify;
    hub->notify_user = user;
}

MCPT_API void mcpt_wake(mcpt_ticket ticket)
{
    if (ticket.flag == NULL) {
        return;                       /* a ticket that was never filled in */
    }
    *ticket.flag = 1;
    if (ticket.hub != NULL) {
        ticket.hub->woken = 1;
        if (ticket.hub->notify != NULL) {
            ticket.hub->notify(ticket.hub->notify_user);
        }
    }
}

/* >>reply: implementation ---------------------------------------------------------------------------------
 * Messages into the transmit buffer, framed as one JSON body, as server-sent events, or as lines. A message becomes
 * visible to the port only when it is whole, or when it is a piece of an answer that goes out in pieces. */
enum { MCPT__M_NONE, MCPT__M_JSON, MCPT__M_SSE, MCPT__M_LINES };           /* mcpt_conn.mode; NONE: not decided yet */
enum {                                                                     /* mcpt_conn.flags */
    MCPT__C_CLOSE = 1, MCPT__C_CHUNKED = 2, MCPT__C_SSE_OK = 4, MCPT__C_JSON_OK = 8, MCPT__C_SENT = 16,
    MCPT__C_EXPIRED = 32, MCPT__C_TICK = 64, MCPT__C_BATCH = 128, MCPT__C_COMMA = 256, MCPT__C_MODERN = 512,
    MCPT__C_PIECES = 1024, MCPT__C_CONTINUE = 2048, MCPT__C_CORS = 4096, MCPT__C_DPOP = 8192, MCPT__C_HEAD = 16384,
    MCPT__C_HTML = 32768
};
enum {                                                                     /* mcpt_conn.state */
    MCPT__X_READ, MCPT__X_BODY, MCPT__X_SKIP, MCPT__X_MESSAGE, MCPT__X_PIECES, MCPT__X_WAIT, MCPT__X_STREAM,
    MCPT__X_VERIFY, MCPT__X_DOCUMENT, MCPT__X_DONE, MCPT__X_CLOSED
};
enum { MCPT__HEAD_ROOM = 216, MCPT__CHUNK = 8 };

static MCPT__QUICK char *mcpt__cat(char *at, const char *z)
{
    size_t n = MCPT_STRLEN(z);

    MCPT_MEMCPY(at, z, n);
    return at + n;
}

/* A number in base 10 or 16 with at least so many digits. */
static char *mcpt__cat_num(char *at, uint32_t v, unsigned base, int digits)
{
    char text[10];
    int n = 0;

    do {
        text[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v != 0 || n < digits);
    while (n > 0) {
        *at++ = text[--n];
    }
    return at;
}

static char *mcpt__cat_dec(char *at, uint32_t v)
{
    return mcpt__cat_num(at, v, 10, 0);
}

#if MCPT_NO_HTTP
#define mcpt__field(c, f) ((void)(c), mcpt__mk(NULL, 0))
#else
static mcpt_str mcpt__field_hosted(const mcpt_conn *c, mcpt_field f)
{
    mcpt_str found = mcpt__mk(NULL, 0);
    size_t i;

    for (i = 0; mcpt__is_hosted(c) && i < c->request->nfields; i++) {
        const mcpt_str name = c->request->fields[i].name;

        if (mcpt__field_find(name.ptr, name.len) != f) {
            continue;
        }
        if (found.ptr != NULL && f != MCPT_F_ACCEPT) {
            return mcpt__mk("\n", 1);    /* twice: what no field can say, so that nothing takes it for its value */
        }
        found = found.ptr != NULL ? found : c->request->fields[i].value;
    }
    return found;
}

static MCPT__QUICK mcpt_str mcpt__field(const mcpt_conn *c, mcpt_field f)
{
    return c->io.framing != MCPT_HTTP ? mcpt__field_hosted(c, f) :
           (c->head.seen >> f & 1u) != 0 ? mcpt__cut(c->io.rx, c->head.field[f]) : mcpt__mk(NULL, 0);
}
#endif

/* Bytes that a head may need in front of a body. */
static MCPT__QUICK uint32_t mcpt__head_room(const mcpt_conn *c)
{
    uint32_t n = MCPT__HEAD_ROOM;

#if !MCPT_NO_GUARD
    if ((c->flags & MCPT__C_CORS) != 0) {
        n += 32 + (uint32_t)(sizeof(MCPT_CORS_EXPOSE) + mcpt__field(c, MCPT_F_ORIGIN).len);
    }
    n += (c->flags & MCPT__C_DPOP) != 0 ? 80u : 0u;
#endif
    return c->io.framing == MCPT_LINES ? 0 : n;
}

#if !MCPT_NO_GUARD
static char *mcpt__cat_line(char *at, const char *name, const char *value, size_t n)
{
    at = mcpt__cat(at, name);
    MCPT_MEMCPY(at, value, n);
    return mcpt__cat(at + n, "\r\n");
}

/* What browsers and DPoP clients need in every answer of the endpoint. */
static char *mcpt__head_guard(const mcpt_conn *c, char *at)
{
    const mcpt_guard *g = c->server->guard;
    char nonce[64];
    size_t n = 0;

    if ((c->flags & MCPT__C_CORS) != 0) {
        mcpt_str origin = mcpt__field(c, MCPT_F_ORIGIN);

        at = mcpt__cat(mcpt__cat_line(at, "Access-Control-Allow-Origin: ", origin.ptr, origin.len), MCPT_CORS_EXPOSE);
    }
    if ((c->flags & MCPT__C_DPOP) != 0 && g->nonce != NULL) {
        n = g->nonce(g->prove_user, nonce, sizeof(nonce));
    }
    return n != 0 && n <= sizeof(nonce) ? mcpt__cat_line(at, "DPoP-Nonce: ", nonce, n) : at;
}
#endif

#if !MCPT_NO_HTTP
/* The head; for a host only the fields. */
static char *mcpt__head_text(const mcpt_conn *c, char *at, bool sse, int64_t length)
{
    bool http = !mcpt__is_hosted(c);

    if (http) {
        at = mcpt__cat_dec(mcpt__cat(at, "HTTP/1.1 "), c->status);
        at = mcpt__cat(mcpt__cat(mcpt__cat(at, " "), mcpt_reason(c->status)), "\r\n");
    }
    if (sse) {
        at = mcpt__cat(at, "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n");
    } else if (length != 0) {
        at = mcpt__cat(at, !MCPT_NO_PAIRING && (c->flags & MCPT__C_HTML) != 0 ? "Content-Type: text/html; charset=utf-8\r\n" :
                       "Content-Type: application/json\r\n");
    }
    if (http && length >= 0 && c->status != 204) {          /* which has no body: RFC 9110 section 8.6 */
        at = mcpt__cat(mcpt__cat_dec(mcpt__cat(at, "Content-Length: "), (uint32_t)length), "\r\n");
    } else if (http && length < 0 && (c->flags & MCPT__C_CHUNKED) != 0) {
        at = mcpt__cat(at, "Transfer-Encoding: chunked\r\n");
    }
    if (c->session_id != NULL) {
        at = mcpt__cat(mcpt__cat(mcpt__cat(at, "Mcp-Session-Id: "), c->session_id), "\r\n");
    }
    if (c->status == 405) {
        at = mcpt__cat(mcpt__cat(mcpt__cat(at, "Allow: "), c->allow), "\r\n");
    }
    if (c->status == 503) {
        at = mcpt__cat(at, "Retry-After: 1\r\n");
    }
#if !MCPT_NO_GUARD
    at = mcpt__head_guard(c, at);
#endif
    if (http && (c->flags & MCPT__C_CLOSE) != 0) {
        at = mcpt__cat(at, "Connection: close\r\n");
    }
    return http && c->lines == 0 ? mcpt__cat(at, "\r\n") : at;
}
#endif

#if !MCPT_NO_HOSTED && !MCPT_NO_HTTP
/* Ends names and values with a NUL each, for hosts that want C strings. */
static void mcpt__fields_close(mcpt_conn *c, uint32_t end)
{
    char *p = c->io.tx + c->io.tx_at;
    char *last = c->io.tx + end;

    c->fields = c->io.tx_at;
    c->fields_end = end;
    while (p < last) {
        p = (char *)MCPT_MEMCHR(p, ':', (size_t)(last - p));
        *p = '\0';
        p = (char *)MCPT_MEMCHR(p, '\r', (size_t)(last - p));
        *p = '\0';
        p += 2;
    }
}
#endif

/* Fixes status and headers: from here on the answer is one body of length bytes, or (-1) open-ended. */
static void mcpt__head_commit(mcpt_conn *c, bool sse, int64_t length)
{
    c->flags |= MCPT__C_SENT;
    c->io.mode = sse ? MCPT__M_SSE : MCPT__M_JSON;
    if (length < 0 && (c->flags & MCPT__C_CHUNKED) == 0) {
        c->flags |= MCPT__C_CLOSE;    /* the end of the connection ends the body (HTTP/1.0) */
    }
    c->response.status = c->status;
    c->response.length = length;
#if !MCPT_NO_HTTP
    if (!mcpt__is_lines(c)) {         /* written at the front of the room, then moved up to what follows */
        uint32_t body = c->io.tx_at + c->lines;
        uint32_t n = (uint32_t)(mcpt__head_text(c, c->io.tx, sse, length) - c->io.tx);

        MCPT_ASSERT(n <= c->io.tx_at);
        c->io.tx_at -= n;
        MCPT_MEMMOVE(c->io.tx + c->io.tx_at, c->io.tx, n);
#if !MCPT_NO_HOSTED
        if (mcpt__is_hosted(c)) {
            mcpt__fields_close(c, body - (c->lines != 0 ? 2u : 0u));
            c->io.tx_at = body;
        }
#endif
        (void)body;
    }
#endif
    c->lines = 0;
}

/* An empty transmit buffer, ready for a message: with room for a head (and a chunk's size) in front. */
static void mcpt__tx_reset(mcpt_conn *c)
{
    c->io.tx_at = (c->flags & MCPT__C_SENT) == 0 ? mcpt__head_room(c) : 0;
    c->io.tx_len = c->io.tx_at;
}

static char *mcpt__tx_end(const mcpt_conn *c)
{
    return c->io.tx + c->io.tx_len;
}

/* Appends to the transmit buffer; the caller knows that there is room. */
static void mcpt__tx_add(mcpt_conn *c, const char *z)
{
    c->io.tx_len = (uint32_t)(mcpt__cat(mcpt__tx_end(c), z) - c->io.tx);
}

static void mcpt__chunk_open(mcpt_conn *c)
{
    c->frame = c->io.tx_len;
    if ((c->flags & MCPT__C_CHUNKED) != 0) {
        c->io.tx_len += MCPT__CHUNK;
    }
}

static void mcpt__chunk_close(mcpt_conn *c, bool last)
{
    if ((c->flags & MCPT__C_CHUNKED) != 0) {
        mcpt__cat(mcpt__cat_num(c->io.tx + c->frame, c->io.tx_len - c->frame - MCPT__CHUNK, 16, 6), "\r\n");
        mcpt__tx_add(c, last ? "\r\n0\r\n\r\n" : "\r\n");
    }
    c->io.peak_tx = mcpt__peak(c->io.peak_tx, c->io.tx_len);
}

/* Lines of an event stream that are no message. */
static void mcpt__sse_lines(mcpt_conn *c, const char *text, bool last)
{
    mcpt__chunk_open(c);
    mcpt__tx_add(c, text);
    mcpt__chunk_close(c, last);
}

/* Ends an event stream that has said everything. */
static void mcpt__stream_end(mcpt_conn *c)
{
    if ((c->flags & MCPT__C_CHUNKED) != 0) {
        mcpt__tx_add(c, "0\r\n\r\n");
    }
    c->io.state = MCPT__X_DONE;
}

/* Bytes that close a message behind its JSON text. */
static uint32_t mcpt__tail_room(const mcpt_conn *c)
{
    return c->io.mode == MCPT__M_LINES ? 3 : 9;
}

/* Event ids let a legacy client resume: the stream's number and the event's. */
static bool mcpt__resumable(const mcpt_conn *c)
{
    return !MCPT_NO_LEGACY && c->session != NULL && c->session->replay_cap != 0 && c->stream != 0;
}

static void mcpt__event_begin(mcpt_conn *c, uint32_t seq)
{
    if (mcpt__resumable(c)) {
        char *at = mcpt__cat_num(mcpt__cat(mcpt__tx_end(c), "id: "), c->stream, 16, 0);

        *at++ = '-';
        c->io.tx_len = (uint32_t)(mcpt__cat(mcpt__cat_num(at, seq, 16, 0), "\n") - c->io.tx);
    }
    mcpt__tx_add(c, "data: ");
}

/* Turns an undecided answer into an event stream. */
static void mcpt__sse_commit(mcpt_conn *c)
{
    if (c->io.mode != MCPT__M_NONE) {
        return;
    }
#if !MCPT_NO_LEGACY
    if (c->session != NULL && (c->flags & MCPT__C_MODERN) == 0) {
        c->stream = ++c->session->streams;
    }
#endif
    mcpt__head_commit(c, true, -1);
#if !MCPT_NO_LEGACY
    if (mcpt__resumable(c) && c->session->revision >= MCPT_2025_11_25) {
        mcpt__chunk_open(c);          /* priming event: the client learns where to resume before anything happens */
        mcpt__event_begin(c, c->session->seq);
        mcpt__tx_add(c, "\n\n");
        mcpt__chunk_close(c, false);
    }
#endif
}

/* Begins a message at the end of the transmit buffer. */
static void mcpt__msg_open(mcpt_conn *c, mcpt_writer *w)
{
    void *user = w->user;
    uint32_t room;

    if (c->io.mode == MCPT__M_NONE && (c->flags & MCPT__C_JSON_OK) == 0 && c->status == 200) {
        mcpt__sse_commit(c);          /* the client accepts event streams only */
    }
    room = c->io.tx_cap - c->io.tx_len;
    c->frame = c->io.tx_len;
    if (room >= 64u + mcpt__tail_room(c)) {
        if (c->io.mode == MCPT__M_SSE) {
            mcpt__chunk_open(c);
            mcpt__event_begin(c, !MCPT_NO_LEGACY && c->session != NULL ? c->session->seq + 1 : 0);
        } else if (c->io.mode == MCPT__M_LINES && (c->flags & MCPT__C_BATCH) != 0) {
            mcpt__tx_add(c, (c->flags & MCPT__C_COMMA) != 0 ? "," : "[");
        }
        room = c->io.tx_cap - c->io.tx_len - mcpt__tail_room(c);
    } else {
        room = 0;
    }
    mcpt_w_init(w, mcpt__tx_end(c), room);
    w->user = user;
}

/* Forgets the message that was begun. */
static void mcpt__msg_drop(mcpt_conn *c)
{
    c->io.tx_len = c->frame;
}

static void mcpt__tx_take(mcpt_conn *c, const mcpt_writer *w)
{
    c->io.tx_len = (uint32_t)(w->buf + w->len - c->io.tx);
}

/* Completes the message begun by mcpt__msg_open: it can be sent. last: the answer ends with it. */
static void mcpt__msg_close(mcpt_conn *c, mcpt_writer *w, bool last)
{
    mcpt__tx_take(c, w);
    if (c->io.mode == MCPT__M_SSE) {
#if !MCPT_NO_LEGACY
        if (mcpt__resumable(c) && (c->flags & MCPT__C_PIECES) == 0) {
            mcpt__replay_add(c->session, c->stream, w->buf, w->len);
        }
#endif
        mcpt__tx_add(c, "\n\n");
        mcpt__chunk_close(c, last && (c->flags & MCPT__C_BATCH) == 0);
    } else if (c->io.mode == MCPT__M_LINES) {
        if ((c->flags & MCPT__C_BATCH) != 0) {
            c->flags |= MCPT__C_COMMA;    /* the batch's end writes ] and the line end */
        } else {
            mcpt__tx_add(c, "\n");
        }
    } else if (c->io.mode == MCPT__M_JSON) {
        mcpt__chunk_close(c, true);   /* the last piece */
    } else {
        mcpt__head_commit(c, false, (int64_t)w->len);
    }
    c->io.peak_tx = mcpt__peak(c->io.peak_tx, c->io.tx_len);
}

/* Ends the answer with what its writer holds. What does not fit is a fault. */
static int mcpt__answer_close(mcpt_conn *c)
{
    c->io.state = MCPT__X_DONE;
    if (c->w.err < 0) {
        mcpt__msg_drop(c);
        return MCPT__E_SPACE;
    }
    mcpt__msg_close(c, &c->w, true);
    return 0;
}

/* Lets go what the writer holds as a piece of the answer; the answer goes on in the next window. */
static void mcpt__piece_send(mcpt_conn *c, mcpt_writer *w)
{
    mcpt__tx_take(c, w);
    if (c->io.mode == MCPT__M_NONE) {
        c->frame = c->io.tx_at;
        if ((c->flags & MCPT__C_CHUNKED) != 0) {
            c->frame -= MCPT__CHUNK;
            c->io.tx_at = c->frame;
        }
        mcpt__head_commit(c, false, -1);
    }
    if ((c->flags & MCPT__C_CHUNKED) != 0 && c->io.tx_len == c->frame + MCPT__CHUNK) {
        c->io.tx_len = c->frame;      /* a chunk of no bytes would end the body */
    } else {
        mcpt__chunk_close(c, false);
    }
    c->flags |= MCPT__C_PIECES;
    c->io.state = MCPT__X_PIECES;
}

/* A new window for the same answer; the writer keeps what is open. */
static void mcpt__piece_next(mcpt_conn *c, mcpt_writer *w)
{
    c->frame = c->io.tx_len;
    if (c->io.mode != MCPT__M_LINES) {
        mcpt__chunk_open(c);
    }
    w->buf = mcpt__tx_end(c);
    w->cap = c->io.tx_cap - c->io.tx_len - mcpt__tail_room(c);
    w->len = 0;
}

/* -- answers without a message */
static void mcpt__answer_empty(mcpt_conn *c, uint16_t status)
{
    c->io.state = MCPT__X_DONE;
    if (c->io.mode == MCPT__M_NONE) {
        c->status = status;
        mcpt__head_commit(c, false, 0);
    }
}

#if !MCPT_NO_GUARD
/* A head with these lines and no others of the answer's kind; the body, if any, follows. */
static void mcpt__answer_lines(mcpt_conn *c, uint16_t status, const char *a, const char *b, int64_t length)
{
    mcpt__tx_reset(c);
    mcpt__tx_add(c, a);
    mcpt__tx_add(c, b);
    mcpt__tx_add(c, "\r\n");
    c->lines = (uint16_t)(c->io.tx_len - c->io.tx_at);
    c->status = status;
    mcpt__head_commit(c, false, length);
}

/* An answer that put() writes, in as many windows as it needs. */
static void mcpt__document_begin(mcpt_conn *c, uint16_t status, const char *a, const char *b, void (*put)(const mcpt_conn *, mcpt_writer *))
{
    mcpt_writer w;

    mcpt_w_init(&w, NULL, 0);
    put(c, &w);
    if (w.err < 0 || w.depth != 0 || w.total == 0) {
        mcpt__note(c->server, MCPT_ERROR, w.err, "a document cannot be written");
        mcpt__tx_reset(c);
        mcpt__answer_empty(c, 500);
        return;
    }
    mcpt__answer_lines(c, status, a, b, (int64_t)w.total);
    c->piece_at = 0;
    c->io.state = (c->flags & MCPT__C_HEAD) != 0 ? MCPT__X_DONE : MCPT__X_DOCUMENT;
}

/* The next window of the document. */
static void mcpt__document_step(mcpt_conn *c, void (*put)(const mcpt_conn *, mcpt_writer *))
{
    mcpt_writer w;

    mcpt_w_init(&w, c->io.tx, c->io.tx_cap);
    w.flags = MCPT_W_WINDOW;
    w.skip = c->piece_at;
    put(c, &w);
    c->io.tx_at = 0;
    c->io.tx_len = (uint32_t)w.len;
    c->piece_at += (uint32_t)w.len;
    if (w.err < 0 || w.len == 0) {
        c->io.state = MCPT__X_CLOSED;    /* settings have changed meanwhile */
    } else if (c->piece_at >= w.total) {
        c->io.state = MCPT__X_DONE;
    }
}
#endif

/* -- events beside an answer that may be half written. The half is moved to the end of the buffer meanwhile. */
typedef struct mcpt__event {
    mcpt_conn *c;
    mcpt_writer w;
    mcpt_writer *out;                 /* the answer being written, or NULL */
    char *spare;                      /* its text while the event is written */
} mcpt__event;

/* Begins an event for the job's stream; false: it has none, or there is no room. out: the answer in work or NULL;
 * keep: bytes that stay free for the rest of it. */
static bool mcpt__event_open(mcpt__event *ev, mcpt_job *j, mcpt_writer *out, size_t keep)
{
    mcpt_conn *c = j->conn;

    ev->c = c;
    ev->out = out;
    ev->w.user = NULL;
    if (c == NULL || (j->flags & MCPT__J_EVENTS) == 0 || (c->flags & MCPT__C_PIECES) != 0 ||
        (c->io.mode == MCPT__M_LINES && (c->flags & MCPT__C_BATCH) != 0) || out->cap < out->len + 128 || out->err < 0) {
        return false;                 /* nothing fits between the pieces of an answer either */
    }
    ev->spare = out->buf + out->cap - out->len;
    MCPT_MEMMOVE(ev->spare, out->buf, out->len);
    mcpt__msg_drop(c);
    mcpt__sse_commit(c);
    mcpt__msg_open(c, &ev->w);
    keep = keep < out->len + 64 ? out->len + 64 : keep;    /* what the half and its own frame need stays free */
    ev->w.cap = ev->w.cap > keep ? ev->w.cap - keep : 0;
    return true;
}

/* Ends the event and what is open in it: sent, or dropped with E_SPACE when it did not fit. */
static mcpt_err mcpt__event_close(mcpt__event *ev)
{
    mcpt_conn *c = ev->c;
    mcpt_writer *out = ev->out;
    mcpt_writer half = *out;
    mcpt_err e;

    while (ev->w.depth != 0 && ev->w.err >= 0) {
        mcpt_end(&ev->w);
    }
    e = ev->w.err;
    if (e < 0) {
        mcpt__msg_drop(c);
    } else {
        mcpt__msg_close(c, &ev->w, false);
    }
    mcpt__msg_open(c, out);
    half.buf = out->buf;
    half.cap = out->cap;
    *out = half;
    if (out->len > out->cap) {
        out->err = MCPT_E_SPACE;
    } else {
        MCPT_MEMMOVE(out->buf, ev->spare, out->len);
    }
    return e;
}

/* >>guard: implementation ---------------------------------------------------------------------------------
 * From the head of a request to a principal, or to the answer that refuses it. */

/* Who a session or task belongs to: a digest of issuer, subject and client; zeros: nobody in particular. */
static void mcpt__owner_of(const mcpt_server *s, const mcpt_principal *who, uint8_t out[16])
{
    const mcpt_crypto *x = s->env->crypto;
    uint32_t lens[2];
    uint8_t hash[32];
    mcpt_str parts[4];

    MCPT_MEMSET(hash, 0, sizeof(hash));
    if (who != NULL && x != NULL && x->sha256 != NULL) {
        lens[0] = (uint32_t)who->issuer.len;
        lens[1] = (uint32_t)who->subject.len;
        parts[0] = mcpt__mk((const char *)lens, sizeof(lens));
        parts[1] = who->issuer;
        parts[2] = who->subject;
        parts[3] = who->client_id;
        if (!x->sha256(x->user, parts, 4, hash)) {
            MCPT_MEMSET(hash, 0, sizeof(hash));
        }
    }
    MCPT_MEMCPY(out, hash, 16);
}

static void mcpt__owner(const mcpt_conn *c, uint8_t out[16])
{
    if (c->verdict != NULL) {
        MCPT_MEMCPY(out, c->verdict->owner, 16);
    } else {
        mcpt__owner_of(c->server, c->who, out);
    }
}

enum {                                /* mcpt_conn.route */
    MCPT__ROUTE_NONE, MCPT__ROUTE_MCP, MCPT__ROUTE_PRM, MCPT__ROUTE_AS, MCPT__ROUTE_AUTHORIZE, MCPT__ROUTE_TOKEN,
    MCPT__ROUTE_REGISTER, MCPT__ROUTE_REVOKE
};
enum { MCPT__VERIFYING = 1 };         /* in the place of a status: the request waits for the verdict on its token */

static const char *mcpt__path(const mcpt_server *s)
{
    return s->path != NULL ? s->path : "/mcp";
}

/* The authority that the client asked. */
static mcpt_str mcpt__authority(const mcpt_conn *c)
{
    if (!mcpt__is_hosted(c) && c->head.authority.len != 0) {
        return mcpt__cut(c->io.rx, c->head.authority);    /* absolute-form: Host must be ignored (RFC 9112, 3.2.2) */
    }
    return mcpt__field(c, MCPT_F_HOST);
}

/* -- verdicts: principals, and verdicts on tokens. One is busy as long as a request that is not over refers to it. */
enum { MCPT__VERDICT_FREE, MCPT__VERDICT_GOOD, MCPT__VERDICT_REFUSED, MCPT__VERDICT_PROBES = 8 };

static size_t mcpt__verdict_at(const mcpt_hub *hub, const uint8_t *hash, size_t i)
{
    return (((size_t)hash[0] | (size_t)hash[1] << 8 | (size_t)hash[2] << 16) + i) % hub->mem.nverdicts;
}

static mcpt_verdict *mcpt__verdict_find(mcpt_hub *hub, const uint8_t *hash)
{
    size_t i;

    for (i = 0; i < hub->mem.nverdicts && i < MCPT__VERDICT_PROBES; i++) {
        mcpt_verdict *g = &hub->mem.verdicts[mcpt__verdict_at(hub, hash, i)];

        if (g->state != MCPT__VERDICT_FREE && mcpt_same(g->hash, hash, 32)) {
            return g;
        }
    }
    return NULL;
}

/* Is it good no longer: revoked, refused meanwhile, or the token expired? */
static bool mcpt__verdict_over(const mcpt_conn *c)
{
    int64_t now = c->verdict != NULL ? mcpt__wall(c->server->env) : -1;

    return c->verdict != NULL && (c->verdict->state != MCPT__VERDICT_GOOD ||
                                (c->verdict->who.expires != 0 && now >= c->verdict->who.expires));
}

static bool mcpt__verdict_fresh(const mcpt_hub *hub, const mcpt_verdict *g)
{
    const mcpt_guard *guard = hub->server->guard;
    uint32_t most = guard != NULL && guard->remember_ms > 60000 ? guard->remember_ms : 60000;
    uint32_t left = g->until - mcpt__now(hub->server);      /* more than it was given: over for so long that the clock wraps */
    int64_t now = mcpt__wall(hub->server->env);

    return left != 0 && left <= most && (g->who.expires == 0 || now < 0 || now < g->who.expires);
}

static void mcpt__verdicts_mark(mcpt_hub *hub)
{
    const mcpt_job *j;
    const mcpt_conn *c;
    size_t i;

    for (i = 0; i < hub->mem.nverdicts; i++) {
        hub->mem.verdicts[i].busy = false;
    }
    for (j = hub->jobs; j != NULL; j = j->next) {
        if (j->verdict != NULL) {
            j->verdict->busy = true;
        }
    }
    for (i = MCPT__TIMER_REQUEST; i <= MCPT__TIMER_STREAM; i += MCPT__TIMER_STREAM - MCPT__TIMER_REQUEST) {
        for (c = hub->timer[i].first; c != NULL; c = c->timer_next) {    /* all that are neither idle nor running now */
            if (c->verdict != NULL) {
                c->verdict->busy = true;
            }
        }
    }
}

/* How gladly an entry is given up; 0: not at all. */
static unsigned mcpt__verdict_worth(const mcpt_hub *hub, const mcpt_verdict *g, bool good)
{
    if (g->busy) {
        return 0;
    }
    if (g->state == MCPT__VERDICT_FREE || !mcpt__verdict_fresh(hub, g)) {
        return 3;
    }
    return g->state == MCPT__VERDICT_REFUSED ? 2 : good ? 1 : 0;    /* made-up tokens push no real ones out */
}

/* A place for the verdict on a token; NULL: there is none. */
static mcpt_verdict *mcpt__verdict_new(mcpt_hub *hub, const uint8_t *hash, bool good)
{
    mcpt_verdict *best = mcpt__verdict_find(hub, hash);
    unsigned worth = 0;
    uint32_t now = mcpt__now(hub->server);
    size_t i;

    if (best != NULL) {
        return best;                  /* in place, also when busy: it is the same token */
    }
    mcpt__verdicts_mark(hub);
    for (i = 0; i < hub->mem.nverdicts && i < MCPT__VERDICT_PROBES; i++) {
        mcpt_verdict *g = &hub->mem.verdicts[mcpt__verdict_at(hub, hash, i)];
        unsigned v = mcpt__verdict_worth(hub, g, good);

        if (v > worth || (v != 0 && v == worth && now - g->used > now - best->used)) {
            best = g;
            worth = v;
        }
    }
    if (best != NULL) {
        mcpt_wipe(best, sizeof(*best));
        MCPT_MEMCPY(best->hash, hash, 32);
    }
    return best;
}

static bool mcpt__verdict_text(mcpt_verdict *g, size_t *at, mcpt_str *s)
{
    if (s->len > sizeof(g->text) - *at) {
        return false;
    }
    if (s->ptr != NULL) {
        MCPT_MEMMOVE(g->text + *at, s->ptr, s->len);
        s->ptr = g->text + *at;
        *at += s->len;
    }
    return true;
}

/* Copies a principal. False: its text is longer than MCPT_MAX_PRINCIPAL. */
static bool mcpt__verdict_fill(mcpt_hub *hub, mcpt_verdict *g, const mcpt_principal *who, uint32_t ms)
{
    size_t at = 0;

    g->state = MCPT__VERDICT_FREE;
    g->who = *who;
    if (!mcpt__verdict_text(g, &at, &g->who.subject) || !mcpt__verdict_text(g, &at, &g->who.client_id) ||
        !mcpt__verdict_text(g, &at, &g->who.scopes) || !mcpt__verdict_text(g, &at, &g->who.issuer) ||
        !mcpt__verdict_text(g, &at, &g->who.jkt)) {
        MCPT_MEMSET(&g->who, 0, sizeof(g->who));
        return false;
    }
    g->used = mcpt__now(hub->server);
    g->until = g->used + ms;
    g->state = MCPT__VERDICT_GOOD;
    mcpt__owner_of(hub->server, &g->who, g->owner);
    return true;
}

/* A principal that the host has authenticated: copied where there is memory, so that its calls may outlive the exchange. */
static void mcpt__verdict_host(mcpt_conn *c, const mcpt_principal *who)
{
    uint8_t hash[32];
    mcpt_verdict *g;

    c->who = who;
    c->verdict = NULL;
    if (who == NULL || c->hub == NULL || c->hub->mem.nverdicts == 0 || c->server->env->crypto == NULL ||
        c->server->env->crypto->sha256 == NULL) {
        return;
    }
    MCPT_MEMSET(hash, 0xff, sizeof(hash));
    mcpt__owner_of(c->server, who, hash);
    g = mcpt__verdict_new(c->hub, hash, true);
    if (g != NULL && mcpt__verdict_fill(c->hub, g, who, 60000)) {
        c->verdict = g;
        c->who = &g->who;
    }
}

#if !MCPT_NO_GUARD
MCPT_API void mcpt_guard_forget(struct mcpt_hub *hub, mcpt_str token)
{
    const mcpt_crypto *x = hub->server->env->crypto;
    uint8_t hash[32];
    mcpt_verdict *g = NULL;
    size_t i;

    if (token.ptr != NULL && x != NULL && x->sha256 != NULL && x->sha256(x->user, &token, 1, hash)) {
        g = mcpt__verdict_find(hub, hash);
        if (g != NULL) {
            g->state = MCPT__VERDICT_FREE;
        }
        return;
    }
    for (i = 0; i < hub->mem.nverdicts; i++) {
        hub->mem.verdicts[i].state = MCPT__VERDICT_FREE;
    }
}

MCPT_API void mcpt_guard_wake(struct mcpt_hub *hub)
{
    mcpt_ticket t;

    t.flag = &hub->wake[0];           /* as all tickets of such requests; a call that shares it is merely woken early */
    t.hub = hub;
    mcpt_wake(t);
}

MCPT_API mcpt_err mcpt_fixed_verify(void *table, const mcpt_token *token, mcpt_principal *who)
{
    const mcpt_fixed_tokens *t = (const mcpt_fixed_tokens *)table;
    const mcpt_crypto *x = token->server->env->crypto;
    const mcpt_fixed_token *hit = NULL;
    uint8_t want[32];
    uint8_t hash[32];
    size_t i;

    if (x == NULL || x->sha256 == NULL || !x->sha256(x->user, &token->text, 1, want)) {
        return MCPT_E_CRYPTO;
    }
    for (i = 0; i < t->n; i++) {      /* all of them, so that the time tells nothing */
        mcpt_str text = mcpt_z(t->rows[i].token);

        if (!x->sha256(x->user, &text, 1, hash)) {
            return MCPT_E_CRYPTO;
        }
        hit = mcpt_same(hash, want, 32) && text.len != 0 ? &t->rows[i] : hit;
    }
    if (hit == NULL) {
        return MCPT_E_UNAUTHORIZED;
    }
    who->subject = mcpt_z(hit->subject);
    who->client_id = mcpt_z(hit->client_id);
    who->scopes = mcpt_z(hit->scopes != NULL ? hit->scopes : "");
    who->expires = hit->expires;
    return hit->expires != 0 && mcpt__wall(token->server->env) >= hit->expires ? MCPT_E_UNAUTHORIZED : MCPT_OK;
}

/* -- names of this server: the resource, its documents */
static mcpt_str mcpt__no_slash(mcpt_str s)
{
    return mcpt__mk(s.ptr, s.len - (s.len != 0 && s.ptr[s.len - 1] == '/' ? 1u : 0u));
}

/* The base URL to speak of: the one whose host the client used, else the first; absent: none is configured. */
static mcpt_str mcpt__base(const mcpt_server *s, mcpt_str host)
{
    const char *words = s->identity != NULL ? s->identity->base_url : NULL;
    mcpt_str base = mcpt__mk(NULL, 0);
    mcpt_str word;

    while (mcpt__word(&words, &word)) {
        size_t n = mcpt__origin_len(word.ptr, word.len);
        size_t at = n;

        while (at > 0 && word.ptr[at - 1] != '/') {
            at--;
        }
        if (mcpt__ieq(mcpt__mk(word.ptr + at, n - at), host)) {
            return mcpt__no_slash(word);
        }
        base = base.ptr != NULL ? base : mcpt__no_slash(word);
    }
    return base;
}

/* Writes the URL that this server has for the client, NUL-terminated; its length, 0: longer than MCPT_MAX_URL, or unknown. */
static size_t mcpt__base_url(const mcpt_conn *c, char buf[MCPT_MAX_URL + 1])
{
    mcpt__out o = { buf, MCPT_MAX_URL, 0 };
    mcpt_str host = mcpt__authority(c);
    mcpt_str base = mcpt__base(c->server, host);

    if (base.ptr != NULL || host.len != 0) {
        mcpt__out_add(&o, "http://", base.ptr == NULL ? 7 : 0);
        mcpt__out_add(&o, base.ptr != NULL ? base.ptr : host.ptr, base.ptr != NULL ? base.len : host.len);
    }
    buf[o.len <= MCPT_MAX_URL ? o.len : 0] = '\0';
    return mcpt__out_end(&o);
}

/* The same of the endpoint. */
static size_t mcpt__resource_url(const mcpt_conn *c, char buf[MCPT_MAX_URL + 1])
{
    const mcpt_guard *g = c->server->guard;
    mcpt__out o = { buf, MCPT_MAX_URL, 0 };

    if (g->prm != NULL && g->prm->resource != NULL) {
        mcpt__out_z(&o, g->prm->resource);
    } else {
        o.len = mcpt__base_url(c, buf);
        if (o.len == 0) {
            return 0;
        }
        mcpt__out_z(&o, mcpt__path(c->server));
    }
    buf[o.len <= MCPT_MAX_URL ? o.len : 0] = '\0';
    return mcpt__out_end(&o);
}

MCPT_API bool mcpt_token_for(const mcpt_token *token, mcpt_str audience)
{
    const mcpt_server *s = token->server;
    const char *words = s->identity != NULL ? s->identity->base_url : NULL;
    mcpt_str path = mcpt_z(mcpt__path(s));
    mcpt_str word;

    if (s->guard->prm != NULL && s->guard->prm->resource != NULL) {
        return audience.len != 0 && mcpt_str_is(audience, s->guard->prm->resource);
    }
    while (mcpt__word(&words, &word)) {
        word = mcpt__no_slash(word);
        if (audience.len == word.len + path.len && MCPT_MEMCMP(audience.ptr, word.ptr, word.len) == 0 &&
            MCPT_MEMCMP(audience.ptr + word.len, path.ptr, path.len) == 0) {
            return true;
        }
    }
    return false;
}

/* Is path this well-known name and, behind it, tail? Escapes of unreserved characters mean what they stand for, one more
 * slash at the end is allowed, nothing else is. */
static bool mcpt__well_known_is(mcpt_str path, const char *name, mcpt_str tail)
{
    size_t n = MCPT_STRLEN(name);
    size_t k = 0;
    size_t i;

    for (i = 0; i < path.len; i++, k++) {
        char ch = path.ptr[i];
        int v = ch == '%' && path.len - i > 2 ? mcpt__hex(path.ptr[i + 1]) * 16 + mcpt__hex(path.ptr[i + 2]) : -1;

        if (v > 0 && mcpt__hex(path.ptr[i + 2]) >= 0 && (mcpt__alpha((char)v) || mcpt__digit((char)v) ||
                                                         v == '-' || v == '.' || v == '_' || v == '~')) {
            ch = (char)v;
            i += 2;
        }
        if (k == n + tail.len) {
            return ch == '/' && i + 1 == path.len;
        }
        if (ch != (k < n ? name[k] : tail.ptr[k - n])) {
            return false;
        }
    }
    return k == n + tail.len;
}

/* The path of a URL without the slash at its end. */
static mcpt_str mcpt__url_path(const char *url)
{
    mcpt_url u;

    return url != NULL && mcpt_url_split(mcpt_z(url), &u) ? mcpt__no_slash(u.path) : mcpt__mk("", 0);
}

/* Is the authorization server this device? */
static bool mcpt__pairs(const mcpt_guard *g)
{
    return !MCPT_NO_PAIRING && g != NULL && g->pairing != NULL;
}

/* The document that a path names. */
static uint8_t mcpt__document_route(const mcpt_server *s, mcpt_str path)
{
    static const char prm[] = "/.well-known/oauth-protected-resource";
    static const char as[] = "/.well-known/oauth-authorization-server";
    const mcpt_guard *g = s->guard;
    mcpt_str none = mcpt__mk("", 0);

    if (g != NULL && (g->prm != NULL || mcpt__pairs(g)) &&
        (mcpt__well_known_is(path, prm, g->prm != NULL && g->prm->resource != NULL ? mcpt__url_path(g->prm->resource) :
                             mcpt__no_slash(mcpt_z(mcpt__path(s)))) || mcpt__well_known_is(path, prm, none))) {
        return MCPT__ROUTE_PRM;
    }
    if (g != NULL && (g->as_meta != NULL || g->document != NULL || mcpt__pairs(g)) &&
        (mcpt__well_known_is(path, as, none) ||
         (g->as_meta != NULL && mcpt__well_known_is(path, as, mcpt__url_path(g->as_meta->issuer))))) {
        return MCPT__ROUTE_AS;
    }
    return MCPT__ROUTE_NONE;
}

/* -- refusals */
enum {                                                      /* mcpt_conn.refusal, rows of mcpt__denials */
    MCPT__DENY_NONE, MCPT__DENY_NO_TOKEN, MCPT__DENY_MALFORMED, MCPT__DENY_TOKEN, MCPT__DENY_SCOPE, MCPT__DENY_PROOF,
    MCPT__DENY_NONCE, MCPT__DENY_LATER
};
typedef struct mcpt__denial { uint16_t status; const char *error, *text; } mcpt__denial;
static const mcpt__denial mcpt__denials[] = {
    { 0, "", "" },
    { 401, "unauthorized", "an access token is needed" },
    { 400, "invalid_request", "the credentials are malformed" },
    { 401, "invalid_token", "the access token is not valid" },
    { 403, "insufficient_scope", "the access token lacks a scope" },
    { 401, "invalid_dpop_proof", "the DPoP proof is not valid" },
    { 401, "use_dpop_nonce", "the DPoP proof needs the nonce" },
    { 503, "temporarily_unavailable", "the access token cannot be checked now" }
};

/* The words of a, then those of b that are new, in their order: a stable list for one operation. */
static mcpt_str mcpt__scope_union(char *buf, size_t cap, const char *a, const char *b)
{
    mcpt__out o = { buf, cap, 0 };
    mcpt_str word;

    while (mcpt__word(&a, &word) || mcpt__word(&b, &word)) {
        if (o.len <= cap && !mcpt__word_in(mcpt__mk(buf, o.len), word)) {
            mcpt__out_add(&o, " ", o.len != 0 ? 1 : 0);
            mcpt__out_add(&o, word.ptr, word.len);
        }
    }
    return mcpt__out_end(&o) != 0 ? mcpt__mk(buf, o.len) : mcpt__mk(NULL, 0);
}

static void mcpt__deny_challenge(mcpt__out *o, const mcpt_challenge *c)
{
    size_t n = mcpt_challenge_write(c, NULL, 0);

    mcpt__out_add(o, "WWW-Authenticate: ", 18);
    if (o->len <= o->cap && n <= o->cap - o->len) {
        (void)mcpt_challenge_write(c, o->p + o->len, n);
    }
    o->len += n;
    mcpt__out_add(o, "\r\n", 2);
}

/* The header lines of a refusal. less: what is left out when the buffer is small. */
static void mcpt__deny_lines(const mcpt_conn *c, mcpt__out *o, unsigned less)
{
    const mcpt_guard *g = c->server->guard;
    const mcpt__denial *d = &mcpt__denials[c->refusal];
    char url[MCPT_MAX_URL + 1];
    char meta[MCPT_MAX_URL + 64];
    char scope[MCPT_MAX_PRINCIPAL];
    char nonce[64];
    mcpt_challenge ch;
    size_t n;

    mcpt__out_add(o, "Cache-Control: no-store\r\n", 25);
    if (d->status == 503) {
        return;
    }
    MCPT_MEMSET(&ch, 0, sizeof(ch));
    if (c->refusal != MCPT__DENY_NO_TOKEN && less < 3) {
        ch.error = mcpt_z(d->error);
        ch.error_description = less < 1 ? mcpt_z(d->text) : ch.realm;
    }
    n = g != NULL && (g->prm != NULL || mcpt__pairs(g)) && less < 2 ? mcpt__resource_url(c, url) : 0;
    n = n != 0 ? mcpt_well_known_url(mcpt__mk(url, n), "oauth-protected-resource", meta, sizeof(meta)) : 0;
    ch.resource_metadata = n != 0 ? mcpt__mk(meta, n) : ch.realm;
    if (c->refusal != MCPT__DENY_MALFORMED && less < 3) {
        ch.scope = mcpt__scope_union(scope, sizeof(scope), g != NULL ? g->scopes : NULL, c->need);
    }
    if (g == NULL || (!g->dpop_only && c->refusal != MCPT__DENY_PROOF && c->refusal != MCPT__DENY_NONCE)) {
        ch.scheme = mcpt__mk("Bearer", 6);
        mcpt__deny_challenge(o, &ch);
    }
    if (g != NULL && g->prove != NULL) {
        ch.scheme = mcpt__mk("DPoP", 4);
        ch.algs = mcpt__mk("ES256", 5);
        mcpt__deny_challenge(o, &ch);
        n = g->nonce != NULL ? g->nonce(g->prove_user, nonce, sizeof(nonce)) : 0;
        if (n != 0 && (c->flags & MCPT__C_DPOP) == 0) {     /* else it is written with every answer */
            mcpt__out_add(o, "DPoP-Nonce: ", 12);
            mcpt__out_add(o, nonce, n);
            mcpt__out_add(o, "\r\n", 2);
        }
    }
}

static void mcpt__deny_body(mcpt__out *o, const mcpt__denial *d)
{
    mcpt__out_add(o, "{\"error\":\"", 10);
    mcpt__out_add(o, d->error, MCPT_STRLEN(d->error));
    mcpt__out_add(o, "\",\"error_description\":\"", 23);
    mcpt__out_add(o, d->text, MCPT_STRLEN(d->text));
    mcpt__out_add(o, "\"}", 2);
}

/* Refuses for c->refusal. The lines are made at the front of the buffer and then put before the body, at its end. */
static void mcpt__deny(mcpt_conn *c)
{
    const mcpt__denial *d = &mcpt__denials[c->refusal];
    mcpt__out body = { NULL, 0, 0 };
    mcpt__out lines = { NULL, 0, 0 };
    unsigned less;

    mcpt__tx_reset(c);
    mcpt__deny_body(&body, d);
    body.cap = body.len;
    body.p = c->io.tx + c->io.tx_cap - body.cap;
    body.len = 0;
    for (less = 0; less < 4; less++) {
        lines.p = c->io.tx;
        lines.cap = c->io.tx_cap - body.cap - 2 - c->io.tx_at;
        lines.len = 0;
        mcpt__deny_lines(c, &lines, less);
        if (lines.len <= lines.cap) {
            break;
        }
    }
    if (less != 0) {
        mcpt__note(c->server, MCPT_WARNING, MCPT_E_SPACE, "tx is too small for a whole WWW-Authenticate");
    }
    lines.len = lines.len <= lines.cap ? lines.len : 0;
    c->lines = (uint16_t)(lines.len + 2);
    c->io.tx_len = c->io.tx_cap;
    c->io.tx_at = c->io.tx_cap - (uint32_t)body.cap - c->lines;
    MCPT_MEMMOVE(c->io.tx + c->io.tx_at, c->io.tx, lines.len);
    MCPT_MEMCPY(c->io.tx + c->io.tx_at + lines.len, "\r\n", 2);
    mcpt__deny_body(&body, d);
    if ((c->flags & MCPT__C_HEAD) != 0) {
        c->io.tx_len -= (uint32_t)body.cap;
    }
    c->status = d->status;
    mcpt__head_commit(c, false, (int64_t)body.cap);
    c->io.peak_tx = mcpt__peak(c->io.peak_tx, c->io.tx_len - c->io.tx_at);
    c->io.state = MCPT__X_DONE;
}

/* -- credentials */
static bool mcpt__has_query_token(const mcpt_conn *c)
{
    bool hosted = mcpt__is_hosted(c);
    mcpt_str target = hosted ? c->request->query : mcpt__cut(c->io.rx, c->head.target);
    size_t i;

    for (i = 0; i + 12 <= target.len; i++) {
        if ((i == 0 ? hosted : target.ptr[i - 1] == '?' || target.ptr[i - 1] == '&') && MCPT_MEMCMP(target.ptr + i, "access_token", 12) == 0 &&
            (i + 12 == target.len || target.ptr[i + 12] == '=' || target.ptr[i + 12] == '&')) {
            return true;
        }
    }
    return false;
}

/* Cuts token and proof out of the head. DENY_NONE, or why not (RFC 6750 section 2.1, RFC 9449 section 7.1). */
static uint8_t mcpt__credentials(mcpt_conn *c, mcpt_token *t)
{
    mcpt_str field = mcpt__field(c, MCPT_F_AUTHORIZATION);
    mcpt_str scheme = mcpt__mk(field.ptr, 0);
    bool dpop;
    size_t i;

    if (mcpt__has_query_token(c)) {
        return MCPT__DENY_MALFORMED;
    }
    if (field.ptr == NULL) {
        return MCPT__DENY_NO_TOKEN;
    }
    scheme.len = mcpt__take_set(mcpt__set_token, field.ptr, field.len);
    dpop = c->server->guard->prove != NULL && mcpt_str_ieq(scheme, "dpop");
    if (!dpop && !mcpt_str_ieq(scheme, "bearer")) {
        return scheme.len == 0 ? MCPT__DENY_MALFORMED : MCPT__DENY_NO_TOKEN;
    }
    i = scheme.len;
    while (i < field.len && field.ptr[i] == ' ') {
        i++;
    }
    if (i == scheme.len || i == field.len) {
        return MCPT__DENY_MALFORMED;
    }
    t->text = mcpt__mk(field.ptr + i, field.len - i);
    for (; i < field.len; i++) {
        if (field.ptr[i] <= 0x20 || field.ptr[i] >= 0x7f) {
            return MCPT__DENY_MALFORMED;
        }
    }
    if (dpop) {
        c->flags |= MCPT__C_DPOP;
        t->proof = mcpt__field(c, MCPT_F_DPOP);
        if (t->proof.ptr == NULL) {
            return MCPT__DENY_PROOF;
        }
        if ((!mcpt__is_hosted(c) && (c->head.twice & MCPT__BIT(DPOP)) != 0) || mcpt_str_is(t->proof, "\n")) {
            return MCPT__DENY_MALFORMED;
        }
    }
    return !dpop && c->server->guard->dpop_only ? MCPT__DENY_TOKEN : MCPT__DENY_NONE;
}

static bool mcpt__covers(const mcpt_server *s, const mcpt_principal *who, const char *needed)
{
    const mcpt_guard *g = s->guard;
    mcpt_str word;

    while (mcpt__word(&needed, &word)) {
        if (!mcpt__word_in(who->scopes, word) && (g == NULL || g->implied == NULL || !g->implied(g->user, who, word))) {
            return false;
        }
    }
    return true;
}

static uint8_t mcpt__denial_of(mcpt_err e)
{
    switch (e) {
    case MCPT_OK: return MCPT__DENY_NONE;
    case MCPT_E_UNAUTHORIZED: return MCPT__DENY_TOKEN;
    case MCPT_E_SCOPE: return MCPT__DENY_SCOPE;
    case MCPT_E_PROOF: return MCPT__DENY_PROOF;
    case MCPT_E_NONCE: return MCPT__DENY_NONCE;
    default: return MCPT__DENY_LATER;
    }
}

/* Parks the request until the verifier knows more, at most 10 seconds. False: they have passed. */
static bool mcpt__verify_wait(mcpt_conn *c)
{
    uint32_t now = mcpt__now(c->server), at = c->io.state == MCPT__X_VERIFY ? c->job.started : now + 10000;

    if (mcpt__due(now, at)) {
        return false;
    }
    MCPT_MEMSET(&c->job, 0, sizeof(c->job));                /* without a text: no handler ever runs for it */
    c->job.conn = c;
    c->job.state = MCPT__J_WAIT;
    c->job.started = at;
    mcpt__job_link(c->hub, &c->job);
    mcpt__job_alarm(c->hub, &c->job, at - now > 1000 ? now + 1000 : at);    /* whoever should wake it may be gone */
    c->io.state = MCPT__X_VERIFY;
    return true;
}

/* The verdict on a token that is not remembered. PENDING, OK with *g, or an error. */
static mcpt_err mcpt__verify(mcpt_conn *c, const mcpt_token *t, const uint8_t *hash, mcpt_verdict **g)
{
    const mcpt_guard *guard = c->server->guard;
    mcpt_principal who;
    mcpt_err e;

    MCPT_MEMSET(&who, 0, sizeof(who));
    e = guard->verify(guard->user, t, &who);
    if (e == MCPT_E_UNAUTHORIZED) {
        *g = mcpt__verdict_new(c->hub, hash, false);
        if (*g != NULL) {
            (*g)->state = MCPT__VERDICT_REFUSED;
            (*g)->until = mcpt__now(c->server) + 5000;
        }
    }
    if (e == MCPT_OK) {
        *g = mcpt__verdict_new(c->hub, hash, true);
        if (*g == NULL) {
            mcpt__note(c->server, MCPT_WARNING, MCPT_E_LIMIT, "no free verdict: mcpt_hub_mem.nverdicts is too small");
            return MCPT_E_LIMIT;
        }
        if (!mcpt__verdict_fill(c->hub, *g, &who, guard->remember_ms != 0 ? guard->remember_ms : 60000)) {
            mcpt__note(c->server, MCPT_ERROR, MCPT_E_SPACE, "a principal is longer than MCPT_MAX_PRINCIPAL");
            return MCPT_E_SPACE;
        }
    } else if (e != MCPT_PENDING && e != MCPT_E_UNAUTHORIZED && e != MCPT_E_SCOPE) {
        mcpt__note(c->server, MCPT_WARNING, e, "no verdict on an access token");
    }
    return e;
}

static uint8_t mcpt__prove(mcpt_conn *c, const mcpt_token *t, const mcpt_verdict *g)
{
    const mcpt_guard *guard = c->server->guard;
    mcpt_err e;

    if ((g->who.jkt.ptr != NULL) != (t->proof.ptr != NULL)) {
        return MCPT__DENY_TOKEN;      /* a bound token as Bearer, or one that is not bound as DPoP */
    }
    if (t->proof.ptr == NULL) {
        return MCPT__DENY_NONE;
    }
    e = guard->prove(guard->prove_user, t, &g->who);
    return e == MCPT_E_UNAUTHORIZED ? (uint8_t)MCPT__DENY_PROOF : mcpt__denial_of(e);
}

/* Who calls: 0: known, in c->who, or there is no guard; VERIFYING: parked; else the status to refuse with. */
static uint16_t mcpt__authorize(mcpt_conn *c, mcpt_str method)
{
    const mcpt_guard *guard = c->server->guard;
    const mcpt_crypto *x = c->server->env->crypto;
    char url[MCPT_MAX_URL + 1];
    uint8_t hash[32];
    mcpt_verdict *g = NULL;
    mcpt_err e = MCPT_OK;
    mcpt_token t;

    if (guard == NULL || c->who != NULL) {
        return 0;
    }
    MCPT_MEMSET(&t, 0, sizeof(t));
    c->refusal = mcpt__credentials(c, &t);
    if (c->refusal == MCPT__DENY_NONE) {
        t.method = method;
        t.resource = mcpt__mk(url, mcpt__resource_url(c, url));
        t.server = c->server;
        t.hub = c->hub;
        if (x == NULL || x->sha256 == NULL || !x->sha256(x->user, &t.text, 1, hash)) {
            e = MCPT_E_CRYPTO;
        } else {
            g = mcpt__verdict_find(c->hub, hash);
            if (g == NULL || !mcpt__verdict_fresh(c->hub, g)) {
                e = mcpt__verify(c, &t, hash, &g);
            } else if (g->state == MCPT__VERDICT_REFUSED) {
                e = MCPT_E_UNAUTHORIZED;
            }
        }
        if (e == MCPT_PENDING && mcpt__verify_wait(c)) {
            return MCPT__VERIFYING;
        }
        c->refusal = mcpt__denial_of(e == MCPT_PENDING ? MCPT_E_TIMEOUT : e);
    }
    if (c->refusal == MCPT__DENY_NONE) {
        g->used = mcpt__now(c->server);
        c->refusal = mcpt__prove(c, &t, g);
    }
    if (c->refusal == MCPT__DENY_NONE && !mcpt__covers(c->server, &g->who, guard->scopes)) {
        c->refusal = MCPT__DENY_SCOPE;
    }
    if (c->refusal == MCPT__DENY_NONE) {
        c->verdict = g;
        c->who = &g->who;
    }
    return mcpt__denials[c->refusal].status;
}

/* -- metadata documents */
#if !MCPT_NO_PAIRING
/* What >>pairing is and does (RFC 8414). */
static void mcpt__put_pairing(const mcpt_conn *c, mcpt_writer *w)
{
    const mcpt_pairing_config *config = c->server->guard->pairing->config;
    char base[MCPT_MAX_URL + 1];
    char scopes[201];
    mcpt__out o = { scopes, sizeof(scopes) - 1, 0 };
    mcpt_as_meta m;
    size_t i;

    for (i = 0; i < config->nscopes; i++) {
        mcpt__out_z(&o, i != 0 ? " " : "");
        mcpt__out_z(&o, config->scopes[i].scope);
    }
    scopes[o.len] = '\0';             /* its init has measured them */
    MCPT_MEMSET(&m, 0, sizeof(m));
    m.issuer = mcpt__base_url(c, base) != 0 ? base : NULL;
    m.revocation_endpoint = "revoke";
    m.userinfo_endpoint = MCPT_OMIT;
    m.jwks_uri = MCPT_OMIT;
    m.scopes_supported = o.len != 0 ? scopes : NULL;
    m.token_endpoint_auth_methods_supported = "none";
    m.authorization_response_iss_parameter_supported = "true";
    m.client_id_metadata_document_supported = config->exchange != NULL ? "true" : NULL;
    mcpt_put_as_meta(w, &m);
}
#endif

static void mcpt__put_document(const mcpt_conn *c, mcpt_writer *w)
{
    const mcpt_guard *g = c->server->guard;
    char url[MCPT_MAX_URL + 1];
    char base[MCPT_MAX_URL + 1];

    if (c->route == MCPT__ROUTE_AS && g->document != NULL) {
        mcpt_str json;
        uint32_t version;

        if (g->document(g->document_user, &json, &version) != MCPT_OK || version != c->piece_n) {
            mcpt__w_fail(w, MCPT_E_STATE);
            return;
        }
        mcpt_put_raw(w, json);
    } else if (c->route == MCPT__ROUTE_AS && g->as_meta != NULL) {
        mcpt_put_as_meta(w, g->as_meta);
#if !MCPT_NO_PAIRING
    } else if (c->route == MCPT__ROUTE_AS) {
        mcpt__put_pairing(c, w);
#endif
    } else {
        mcpt_prm prm;

        MCPT_MEMSET(&prm, 0, sizeof(prm));
        prm = g->prm != NULL ? *g->prm : prm;
        if (mcpt__pairs(g) && prm.authorization_servers == NULL && mcpt__base_url(c, base) != 0) {
            prm.authorization_servers = base;
        }
        prm.resource = mcpt__resource_url(c, url) != 0 ? url : NULL;
        prm.scopes_supported = prm.scopes_supported != NULL ? prm.scopes_supported : g->scopes;
        mcpt_put_prm(w, &prm);
    }
}

/* 200; VERIFYING: parked until the document is there; 503. */
static uint16_t mcpt__document_ready(mcpt_conn *c)
{
    const mcpt_guard *g = c->server->guard;
    mcpt_str json;
    mcpt_err e;

    if (c->route != MCPT__ROUTE_AS || g->document == NULL) {
        return 200;
    }
    e = g->document(g->document_user, &json, &c->piece_n);
    if (e == MCPT_PENDING && mcpt__verify_wait(c)) {
        return MCPT__VERIFYING;
    }
    return e == MCPT_OK ? 200 : 503;
}

static void mcpt__document(mcpt_conn *c)
{
    mcpt__document_begin(c, 200, "Cache-Control: max-age=3600\r\n", MCPT_CORS_METADATA, mcpt__put_document);
}

/* OPTIONS: what a browser may ask for (Fetch standard), before any token. */
static void mcpt__preflight(mcpt_conn *c)
{
    MCPT_ASSERT(c->io.mode == MCPT__M_NONE);
    if (c->route > MCPT__ROUTE_AS) {
        mcpt__answer_lines(c, 204, "Allow: POST, OPTIONS\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: POST, OPTIONS\r\n",
                           "Access-Control-Allow-Headers: *, MCP-Protocol-Version\r\nAccess-Control-Max-Age: 86400\r\n", 0);
    } else if (c->route != MCPT__ROUTE_MCP) {
        mcpt__answer_lines(c, 204, "Allow: GET, HEAD, OPTIONS\r\n", MCPT_CORS_METADATA, 0);
    } else {
        mcpt__answer_lines(c, 204, "", (c->flags & MCPT__C_CORS) != 0 ? MCPT_CORS_PREFLIGHT : "", 0);
    }
    c->io.state = MCPT__X_DONE;
}
#endif /* !MCPT_NO_GUARD */

/* >>relay: implementation --------------------------------------------------------------------------------- */
#if !MCPT_NO_GUARD && !MCPT_NO_EXCHANGE
enum { MCPT__AS_ROOT, MCPT__AS_ISSUER, MCPT__AS_AUTHORIZE, MCPT__AS_TOKEN, MCPT__AS_COUNT };

static mcpt_err mcpt__relay_head(void *user, const mcpt_exchange *x, unsigned status)
{
    static const mcpt_pick picks[MCPT__AS_COUNT] = {
        MCPT_PICK("", 0), MCPT_PICK("issuer", 0), MCPT_PICK("authorization_endpoint", 0), MCPT_PICK("token_endpoint", 0)
    };
    mcpt_relay *r = (mcpt_relay *)user;

    r->age = mcpt_exchange_max_age(x);
    r->retry = mcpt_exchange_retry_after(x);
    r->at = r->len;
    mcpt_scan_init(&r->scan, picks, MCPT__AS_COUNT, r->found);
    return status == 200 ? MCPT_OK : MCPT_E_STATUS;
}

static mcpt_err mcpt__relay_piece(void *user, const char *text, size_t len)
{
    mcpt_relay *r = (mcpt_relay *)user;

    if (len > r->cap - r->at) {
        return MCPT_E_SPACE;
    }
    MCPT_MEMCPY(r->buf + r->at, text, len);
    r->at += (uint32_t)len;
    return mcpt_scan_feed(&r->scan, text, len);
}

/* An endpoint must be as safe to reach as the issuer is. */
static bool mcpt__relay_endpoint(const mcpt_relay *r, unsigned row)
{
    char text[MCPT_MAX_URL];
    mcpt_str s;
    mcpt_url u;
    mcpt_url own;

    return mcpt__raw_text(mcpt__cut(r->buf + r->len, r->found[row]), text, sizeof(text), &s) && mcpt_url_split(s, &u) &&
           (mcpt_str_ieq(u.scheme, "https") || (mcpt_url_split(mcpt_z(r->issuer), &own) && mcpt_str_ieq(own.scheme, "http") &&
                                                mcpt_str_ieq(u.scheme, "http") && mcpt__loopback(u.host)));
}

static mcpt_err mcpt__relay_check(mcpt_relay *r)
{
    char text[MCPT_MAX_URL];
    mcpt_str s;
    mcpt_err e = mcpt_scan_end(&r->scan);

    if (e != MCPT_OK) {
        return e;
    }
    if (r->buf[r->len + r->found[MCPT__AS_ROOT].at] != '{' ||
        !mcpt__raw_text(mcpt__cut(r->buf + r->len, r->found[MCPT__AS_ISSUER]), text, sizeof(text), &s) ||
        !mcpt_str_is(s, r->issuer)) {
        return MCPT_E_ISSUER;         /* RFC 8414 section 3.3: identical */
    }
    return mcpt__relay_endpoint(r, MCPT__AS_AUTHORIZE) && mcpt__relay_endpoint(r, MCPT__AS_TOKEN) ? MCPT_OK : MCPT_E_OAUTH;
}

static void mcpt__relay_done(void *user, mcpt_err e)
{
    mcpt_relay *r = (mcpt_relay *)user;
    uint32_t now = mcpt__now(r->hub->server);
    int32_t age = r->age < 0 ? 3600 : r->age < 300 ? 300 : r->age;

    e = e == MCPT_OK ? mcpt__relay_check(r) : e;
    r->fetching = false;
    r->failed = e != MCPT_OK;
    r->retry_at = now;
    r->retry_ms = (r->retry > 10 ? r->retry : 10) * 1000;
    if (r->failed) {
        mcpt__note(r->hub->server, MCPT_WARNING, e, "the authorization server's metadata cannot be used");
    } else {
        MCPT_MEMMOVE(r->buf, r->buf + r->len + r->found[MCPT__AS_ROOT].at, r->found[MCPT__AS_ROOT].len);
        r->len = r->found[MCPT__AS_ROOT].len;
        r->fetched = now;
        r->ttl_ms = (uint32_t)age * 1000;
        r->version++;
    }
    mcpt_guard_wake(r->hub);
}

MCPT_API mcpt_err mcpt_relay_init(mcpt_relay *r, mcpt_exchange *exchange, struct mcpt_hub *hub, const char *issuer, void *buf, size_t cap)
{
    size_t n;

    MCPT_MEMSET(r, 0, sizeof(*r));
    if (issuer == NULL || buf == NULL || cap > 0x7fffffff) {
        return MCPT_E_ARG;
    }
    if (issuer[0] == 'p' && issuer[1] == 'k' && issuer[2] == '_') {
        if (mcpt_clerk_issuer(issuer, r->issuer, sizeof(r->issuer), NULL) != MCPT_OK) {
            return MCPT_E_ARG;
        }
    } else {
        n = MCPT_STRLEN(issuer);
        if (n > MCPT_MAX_URL) {
            return MCPT_E_ARG;
        }
        MCPT_MEMCPY(r->issuer, issuer, n + 1);
    }
    r->exchange = exchange;
    r->hub = hub;
    r->buf = (char *)buf;
    r->cap = (uint32_t)cap;
    n = mcpt_well_known_url(mcpt_z(r->issuer), "oauth-authorization-server", r->url, sizeof(r->url) - 1);
    return n != 0 ? MCPT_OK : MCPT_E_ARG;
}

MCPT_API mcpt_err mcpt_relay_document(void *relay, mcpt_str *json, uint32_t *version)
{
    mcpt_relay *r = (mcpt_relay *)relay;
    uint32_t now = mcpt__now(r->hub->server);
    mcpt_fetch f;

    *json = mcpt__mk(r->buf, r->len);
    *version = r->version;
    if (r->len != 0 && now - r->fetched >= 86400000u + r->ttl_ms && !r->fetching) {
        r->len = 0;                   /* too old by now to be better than nothing */
    }
    if (r->len != 0 && now - r->fetched < r->ttl_ms) {
        return MCPT_OK;
    }
    if (!r->fetching && (!r->failed || now - r->retry_at >= r->retry_ms)) {
        MCPT_MEMSET(&f, 0, sizeof(f));
        f.url = mcpt_z(r->url);
        f.limit = r->cap - r->len;
        f.trusted = true;
        f.head = mcpt__relay_head;
        f.piece = mcpt__relay_piece;
        f.done = mcpt__relay_done;
        f.user = r;
        r->retry = 0;
        r->age = -1;
        r->fetching = mcpt_exchange_start(r->exchange, &f) == MCPT_OK;
        if (!r->fetching) {
            return r->len != 0 ? MCPT_OK : MCPT_E_STATE;
        }
    }
    return r->len != 0 ? MCPT_OK : r->fetching ? MCPT_PENDING : MCPT_E_IO;
}
#endif

/* >>verify: implementation -------------------------------------------------------------------------------- */
#if !MCPT_NO_VERIFY
enum { MCPT__KEYS_SOFT = 600, MCPT__KEYS_LEAST = 300, MCPT__KEYS_DAY = 86400, MCPT__KEYS_APART = 60000, MCPT__KEYS_RETRY = 5000 };

static void mcpt__verify_log(const mcpt_env *env, mcpt_level level, mcpt_err e, const char *text)
{
    if (env->log != NULL && text != NULL) {
        env->log(env->user, level, e, text);
    }
}

static bool mcpt__token_ours(const void *token, mcpt_str audience)
{
    return mcpt_token_for((const mcpt_token *)token, audience);
}

static mcpt_aud mcpt__token_aud(const mcpt_token *token)
{
    mcpt_aud aud;

    aud.url = mcpt_token_for(token, token->resource) ? token->resource : mcpt__mk(NULL, 0);        /* not what Host says */
    aud.ours = mcpt__token_ours;
    aud.user = token;
    return aud;
}

static void mcpt__claims_give(const mcpt_claims *c, mcpt_principal *who)
{
    who->subject = c->subject;
    who->client_id = c->client_id;
    who->scopes = c->scopes;
    who->expires = c->expires;
    who->issuer = c->issuer;
    who->jkt = c->jkt;
}

/* ---- key sets by URL ---- */

static mcpt_err mcpt__keys_head(void *user, const mcpt_exchange *x, unsigned status)
{
    mcpt_jwt_verifier *v = (mcpt_jwt_verifier *)user;
    int32_t age = mcpt_exchange_max_age(x);

    if (status != 200) {
        return MCPT_E_STATUS;
    }
    age = age < 0 ? (int32_t)MCPT__KEYS_SOFT : age < MCPT__KEYS_LEAST ? (int32_t)MCPT__KEYS_LEAST : age > MCPT__KEYS_DAY ? (int32_t)MCPT__KEYS_DAY : age;
    v->fresh_ms = (uint32_t)age * 1000u;
    mcpt_jwks_begin(&v->keys);
    return MCPT_OK;
}

static mcpt_err mcpt__keys_piece(void *user, const char *text, size_t len)
{
    return mcpt_jwks_feed(&((mcpt_jwt_verifier *)user)->keys, text, len);
}

static void mcpt__keys_done(void *user, mcpt_err e)
{
    mcpt_jwt_verifier *v = (mcpt_jwt_verifier *)user;
    mcpt_err ended = mcpt_jwks_end(&v->keys, e == MCPT_OK);

    v->last = e != MCPT_OK ? e : ended;
    v->busy = false;
    v->tried = v->env->millis(v->env->user);
    if (v->last == MCPT_OK) {
        v->any = true;
        v->loaded = v->tried;
    }
    mcpt__verify_log(v->env, v->last == MCPT_OK ? MCPT_DEBUG : MCPT_WARNING, v->last, v->last == MCPT_OK ? "key set read" : "no key set");
    if (v->keys.left_out != 0) {
        for (size_t i = 0; i < v->keys.nkeys && v->last == MCPT_OK; i++) {
            v->ever = v->ever && v->keys.keys[i].algs != 0;  /* old keys have made room only now: once more */
        }
        mcpt__verify_log(v->env, MCPT_WARNING, MCPT_E_LIMIT, "the key set has more keys than there are slots");
    }
    mcpt_guard_wake(v->hub);
}

/* Fetches the set, unless that was tried just now. OK: it was, or keys are fixed; PENDING: it is under way. */
static mcpt_err mcpt__keys_fetch(mcpt_jwt_verifier *v, const mcpt_token *token)
{
    uint32_t now = v->env->millis(v->env->user);
    mcpt_fetch f;
    mcpt_err e;

    if (v->jwks_url == NULL || v->busy) {
        return v->busy ? MCPT_PENDING : MCPT_OK;
    }
    if (v->ever && now - v->tried < (v->last != MCPT_OK ? (uint32_t)MCPT__KEYS_RETRY :
                                     v->apart_ms != 0 ? v->apart_ms : (uint32_t)MCPT__KEYS_APART)) {
        return MCPT_OK;
    }
    MCPT_MEMSET(&f, 0, sizeof(f));
    f.url = mcpt_z(v->jwks_url);
    f.trusted = true;
    f.head = mcpt__keys_head;
    f.piece = mcpt__keys_piece;
    f.done = mcpt__keys_done;
    f.user = v;
    v->hub = token->hub;
    v->busy = true;
    v->ever = true;
    e = mcpt_exchange_start(v->exchange, &f);
    if (e != MCPT_OK) {
        v->busy = false;
        v->ever = e != MCPT_E_STATE;                        /* in use: its turn comes */
        v->last = e;
        v->tried = now;
        return e == MCPT_E_STATE ? MCPT_PENDING : e;
    }
    return MCPT_PENDING;
}

MCPT_API mcpt_err mcpt_jwt_verify(void *verifier, const mcpt_token *token, mcpt_principal *who)
{
    mcpt_jwt_verifier *v = (mcpt_jwt_verifier *)verifier;
    uint32_t age = v->env->millis(v->env->user) - v->loaded;
    mcpt_aud aud = mcpt__token_aud(token);
    mcpt_claims c;
    mcpt_err e;

    if (v->jwks_url != NULL && v->any && age >= v->fresh_ms) {
        (void)mcpt__keys_fetch(v, token);                   /* meanwhile the old ones hold */
        v->any = age < (uint32_t)MCPT__KEYS_DAY * 1000u;
    }
    if (v->jwks_url != NULL && !v->any) {
        e = mcpt__keys_fetch(v, token);
        return e != MCPT_OK ? e : v->last != MCPT_OK ? v->last : MCPT_E_IO;
    }
    e = mcpt_jwt_check(token->text, v->rules, &v->keys, &aud, mcpt__wall(v->env), v->buf, v->cap, &c);
    if (e == MCPT_E_ABSENT) {
        e = mcpt__keys_fetch(v, token);
        e = e == MCPT_OK && v->jwks_url != NULL ? v->last : e;
        if (e != MCPT_OK) {                                 /* under way, or nobody can say whether there is such a key */
            return e;
        }
        e = mcpt__no(&c.why, MCPT__WHY("key unknown"));
    }
    if (e == MCPT_E_SPACE) {
        e = mcpt__no(&c.why, MCPT__WHY("larger than the verifier's buffer"));
    }
    if (e == MCPT_OK && v->revoked != NULL && v->revoked(v->user, &c)) {
        e = mcpt__no(&c.why, MCPT__WHY("revoked"));
    }
    if (e == MCPT_OK) {
        mcpt__claims_give(&c, who);
    } else {
        mcpt__verify_log(v->env, MCPT_INFO, e, c.why);
    }
    return e;
}

/* ---- introspection ---- */

enum { MCPT__ASK_IDLE, MCPT__ASK_BUSY, MCPT__ASK_DONE };
/* The rows of claims; those that only JSON Web Tokens have give way to others. TYPE: RFC 7662; USE: Ory Hydra; TYP: Keycloak. */
enum { MCPT__JC_ACTIVE = MCPT__JC_AT_HASH, MCPT__JC_REVOKED = MCPT__JC_EVENTS, MCPT__JC_USE = MCPT__JC_EVENTS, MCPT__JC_TYPE = MCPT__JC_IAT,
       MCPT__JC_TYP = MCPT__JC_JTI };
static const mcpt_pick mcpt__ask_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("iss", 0), MCPT_PICK("aud", 0), MCPT_PICK("exp", 0), MCPT_PICK("nbf", 0), MCPT_PICK("token_type", 0),
    MCPT_PICK("sub", 0), MCPT_PICK("scope", 0), MCPT_PICK("scp", 0), MCPT_PICK("client_id", 0), MCPT_PICK("azp", 0),
    MCPT_PICK("cid", 0), MCPT_PICK("appid", 0), MCPT_PICK("typ", 0), MCPT_PICK("active", 0), MCPT_PICK("token_use", 0),
    MCPT_PICK("cnf", 0), MCPT_PICK("jkt", MCPT__JC_CNF), MCPT_PICK("x5t#S256", MCPT__JC_CNF)
};
static const mcpt_pick mcpt__ask_clerk_picks[] = {
    MCPT_PICK("", 0), MCPT_PICK("iss", 0), MCPT_PICK("aud", 0), MCPT_PICK("expiration", 0), MCPT_PICK("nbf", 0), MCPT_PICK("type", 0),
    MCPT_PICK("subject", 0), MCPT_PICK("scopes", 0), MCPT_PICK("scp", 0), MCPT_PICK("client_id", 0), MCPT_PICK("azp", 0),
    MCPT_PICK("cid", 0), MCPT_PICK("appid", 0), MCPT_PICK("jti", 0), MCPT_PICK("expired", 0), MCPT_PICK("revoked", 0),
    MCPT_PICK("cnf", 0), MCPT_PICK("jkt", MCPT__JC_CNF), MCPT_PICK("x5t#S256", MCPT__JC_CNF)
};

static mcpt_err mcpt__ask_head(void *user, const mcpt_exchange *x, unsigned status)
{
    mcpt_introspection *a = (mcpt_introspection *)user;

    (void)x;
    if (status != 200) {                                    /* Clerk answers 404 for a token that it does not know */
        return a->clerk && status == 404 ? MCPT_E_UNAUTHORIZED : MCPT_E_STATUS;
    }
    mcpt_keep_init(&a->keep, a->clerk ? mcpt__ask_clerk_picks : mcpt__ask_picks, MCPT__JC_ROWS, a->found, a->buf + a->used,
                   a->cap - a->used);
    a->keep.optional = 1u << MCPT__JC_X5T;
    return MCPT_OK;
}

static mcpt_err mcpt__ask_piece(void *user, const char *text, size_t len)
{
    return mcpt_keep_feed(&((mcpt_introspection *)user)->keep, text, len);
}

static void mcpt__ask_done(void *user, mcpt_err e)
{
    mcpt_introspection *a = (mcpt_introspection *)user;

    if (e == MCPT_OK) {
        e = mcpt_keep_end(&a->keep);
    }
    mcpt_wipe(a->buf, a->used);                             /* the secret and the token */
    a->result = e;
    a->state = MCPT__ASK_DONE;
    a->since = a->env->millis(a->env->user);
    if (e != MCPT_OK && e != MCPT_E_UNAUTHORIZED) {
        mcpt__verify_log(a->env, MCPT_WARNING, e, "the authorization server gave no answer about a token");
    }
    mcpt_guard_wake(a->hub);
}

static mcpt_err mcpt__ask_start(mcpt_introspection *a, const mcpt_token *token)
{
    mcpt_fetch f;
    mcpt_err e;
    mcpt__text t = mcpt__text_on(a->buf, a->cap);
    const char *body;

    if (a->client_id != NULL) {
        mcpt__add_basic(&t, mcpt_z(a->client_id), mcpt_z(a->secret), false);
    } else {
        mcpt__addz(&t, "Bearer ");
        mcpt__addz(&t, a->secret);
    }
    body = t.at;
    if (a->clerk) {
        mcpt_writer w;
        mcpt_w_init(&w, t.at, (size_t)(t.end - t.at));
        mcpt_obj(&w);
        mcpt_kv_str(&w, "access_token", token->text);
        mcpt_end(&w);
        t.full = t.full || w.err != MCPT_OK;
        t.at += t.full ? 0 : w.len;
    } else {
        mcpt__addz(&t, "token=");
        mcpt__add_form(&t, token->text);
        mcpt__addz(&t, "&token_type_hint=access_token");
    }
    if (t.full) {
        mcpt_wipe(a->buf, a->cap);
        mcpt__verify_log(a->env, MCPT_INFO, MCPT_E_SPACE, "larger than the verifier's buffer");
        return MCPT_E_UNAUTHORIZED;
    }
    MCPT_MEMSET(&f, 0, sizeof(f));
    f.method = "POST";
    f.url = mcpt_z(a->url != NULL ? a->url : "https://api.clerk.com/oauth_applications/access_tokens/verify");
    f.authorization = mcpt__mk(a->buf, (size_t)(body - a->buf));
    f.fields = mcpt_z("Accept: application/json\r\n");
    f.content_type = a->clerk ? "application/json" : "application/x-www-form-urlencoded";
    f.body = mcpt__since(&t, body);
    f.trusted = true;
    f.head = mcpt__ask_head;
    f.piece = mcpt__ask_piece;
    f.done = mcpt__ask_done;
    f.user = a;
    a->used = (size_t)(t.at - a->buf);
    a->hub = token->hub;
    a->state = MCPT__ASK_BUSY;
    e = mcpt_exchange_start(a->exchange, &f);
    if (e != MCPT_OK) {
        a->state = MCPT__ASK_IDLE;
        mcpt_wipe(a->buf, a->used);
    }
    return e == MCPT_OK || e == MCPT_E_STATE ? MCPT_PENDING : e;
}

/* Clerk's times are seconds or milliseconds; null: never. */
static bool mcpt__ask_expiration(const char *buf, mcpt_span f, int64_t *out)
{
    if (f.len == 4 && buf[f.at] == 'n') {
        return true;
    }
    if (!mcpt__numeric_date(buf, f, out)) {
        return f.len == 0;
    }
    *out = *out > INT64_C(100000000000) ? *out / 1000 : *out;
    return true;
}

/* Does a member say that the token is for access? Servers answer about refresh and ID tokens too. Absent and null say nothing. */
static bool mcpt__ask_access(char *buf, mcpt_span f)
{
    static const char names[] = "Bearer\0DPoP\0access_token\0access\0at+jwt\0oauth:access_token\0urn:ietf:params:oauth:token-type:access_token\0";
    const char *name = names;
    mcpt_str s;

    if (f.len == 0 || buf[f.at] == 'n') {
        return true;
    }
    for (s = mcpt__jwt_str(buf, f); *name != '\0' && !mcpt_str_ieq(s, name); name += MCPT_STRLEN(name) + 1) { }
    return *name != '\0';
}

/* Is the answer about the token good enough? */
static mcpt_err mcpt__ask_judge(mcpt_introspection *a, const mcpt_token *token, mcpt_claims *c)
{
    char *buf = a->keep.buf;
    const mcpt_span *f = a->found;
    const mcpt_jwt_rules *r = a->rules;
    mcpt_aud aud = mcpt__token_aud(token);
    int64_t now = mcpt__wall(a->env), leeway = mcpt__leeway(r), nbf = 0;
    mcpt_str active = mcpt__mk(buf + f[MCPT__JC_ACTIVE].at, f[MCPT__JC_ACTIVE].len);
    mcpt_str revoked = mcpt__mk(buf + f[MCPT__JC_REVOKED].at, f[MCPT__JC_REVOKED].len);
    bool dpop;
    mcpt_err e;

    if (a->clerk ? !mcpt_str_is(active, "false") || !mcpt_str_is(revoked, "false") : !mcpt_str_is(active, "true")) {
        return mcpt__no(&c->why, MCPT__WHY("not active"));
    }
    if (!mcpt__ask_access(buf, f[MCPT__JC_TYPE]) || (!a->clerk && (!mcpt__ask_access(buf, f[MCPT__JC_USE]) || !mcpt__ask_access(buf, f[MCPT__JC_TYP])))) {
        return mcpt__no(&c->why, MCPT__WHY("no access token"));
    }
    dpop = mcpt_str_ieq(mcpt__mk(buf + f[MCPT__JC_TYPE].at, f[MCPT__JC_TYPE].len), "\"dpop\"");
    c->issuer = mcpt__jwt_str(buf, f[MCPT__JC_ISS]);
    if (f[MCPT__JC_ISS].len != 0 && r->issuer != NULL && !mcpt_str_is(c->issuer, r->issuer)) {
        return mcpt__no(&c->why, MCPT__WHY("iss"));
    }
    if (c->issuer.ptr == NULL) {
        c->issuer = mcpt_z(r->issuer);
    }
    if (f[MCPT__JC_AUD].len != 0 ? !mcpt__aud_ok(buf, f[MCPT__JC_AUD], r, &aud) : !r->no_aud) {
        return mcpt__no(&c->why, MCPT__WHY("aud"));
    }
    if (!a->clerk && (f[MCPT__JC_AUD].len | f[MCPT__JC_TYPE].len | f[MCPT__JC_USE].len | f[MCPT__JC_TYP].len) == 0) {
        return mcpt__no(&c->why, MCPT__WHY("no audience and no type"));     /* so some answer about refresh tokens */
    }
    if (!mcpt__ask_expiration(buf, f[MCPT__JC_EXP], &c->expires) ||
        (f[MCPT__JC_NBF].len != 0 && !mcpt__numeric_date(buf, f[MCPT__JC_NBF], &nbf))) {
        return mcpt__no(&c->why, MCPT__WHY("exp or nbf is no time"));
    }
    if (now >= 0 && ((c->expires != 0 && c->expires <= now - leeway) || nbf > now + leeway)) {
        return mcpt__no(&c->why, MCPT__WHY("expired or not valid yet"));
    }
    c->expires = now < 0 ? 0 : c->expires;                  /* without a clock the server's word has to do */
    e = mcpt__claims_who(buf, f, r, true, c);               /* RFC 7662 section 2.2: sub is optional */
    c->jti = mcpt__mk(NULL, 0);
    return e == MCPT_OK && dpop && c->jkt.ptr == NULL ? mcpt__no(&c->why, MCPT__WHY("cnf")) : e;
}

MCPT_API mcpt_err mcpt_introspection_verify(void *introspection, const mcpt_token *token, mcpt_principal *who)
{
    mcpt_introspection *a = (mcpt_introspection *)introspection;
    uint8_t hash[32];
    mcpt_claims c;
    mcpt_err e;

    if (!mcpt__sha(a->env->crypto, token->text, hash)) {
        return MCPT_E_CRYPTO;
    }
    if (a->state == MCPT__ASK_BUSY || (a->state == MCPT__ASK_DONE && !mcpt_same(hash, a->hash, 32) &&
                                       a->env->millis(a->env->user) - a->since < 1000)) {
        a->others = true;                                   /* an answer waits for the one who asked */
        return MCPT_PENDING;
    }
    if (a->state == MCPT__ASK_IDLE || !mcpt_same(hash, a->hash, 32)) {
        MCPT_MEMCPY(a->hash, hash, 32);
        return mcpt__ask_start(a, token);
    }
    a->state = MCPT__ASK_IDLE;
    MCPT_MEMSET(&c, 0, sizeof(c));
    e = a->result == MCPT_OK ? mcpt__ask_judge(a, token, &c) : a->result;
    if (e == MCPT_OK) {
        mcpt__claims_give(&c, who);
    } else {
        mcpt__verify_log(a->env, MCPT_INFO, e, c.why);
    }
    if (a->others) {
        a->others = false;
        mcpt_guard_wake(token->hub);
    }
    return e;
}

#if !MCPT_NO_METADATA
MCPT_API mcpt_err mcpt_clerk_init(mcpt_clerk *c, const char *publishable_key)
{
    mcpt_str issuer;
    mcpt_err e = mcpt_clerk_issuer(publishable_key, c->issuer, sizeof(c->issuer), &issuer);
    static const char path[] = "/.well-known/jwks.json";

    if (e != MCPT_OK) {
        return e;
    }
    MCPT_MEMCPY(c->jwks_url, issuer.ptr, issuer.len);
    MCPT_MEMCPY(c->jwks_url + issuer.len, path, sizeof(path));
    c->rules.issuer = c->issuer;
    c->rules.no_aud = true;
    c->jwt.rules = &c->rules;
    c->jwt.jwks_url = c->jwt.jwks_url != NULL ? c->jwt.jwks_url : c->jwks_url;
    c->opaque.rules = &c->rules;
    c->opaque.clerk = true;
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_clerk_verify(void *clerk, const mcpt_token *token, mcpt_principal *who)
{
    mcpt_clerk *c = (mcpt_clerk *)clerk;
    static const char opaque[] = "oat_";

    if (MCPT_MEMCHR(token->text.ptr, '.', token->text.len) != NULL) {
        return mcpt_jwt_verify(&c->jwt, token, who);
    }
    if (c->opaque.secret == NULL || token->text.len <= sizeof(opaque) - 1 || MCPT_MEMCMP(token->text.ptr, opaque, sizeof(opaque) - 1) != 0) {
        return MCPT_E_UNAUTHORIZED;                         /* mt_ and ak_ are no OAuth access tokens */
    }
    return mcpt_introspection_verify(&c->opaque, token, who);
}
#endif

MCPT_API mcpt_err mcpt_dpop_prove(void *dpop, const mcpt_token *token, const mcpt_principal *who)
{
    mcpt_dpop *d = (mcpt_dpop *)dpop;
    mcpt_err e = mcpt_dpop_check(d, token->proof, token->method, mcpt__token_aud(token).url, token->text, who->jkt);

    if (e == MCPT_E_PROOF) {
        mcpt__verify_log(d->env, MCPT_INFO, e, d->why);
    }
    return e;
}
#endif /* !MCPT_NO_VERIFY */

/* >>pair-records: implementation --------------------------------------------------------------------------
 * Records: a client (version, id, created, length of name, name, redirect URIs with a space between them) and a grant. */
#if !MCPT_NO_PAIRING
enum { MCPT__PAIR_FREE, MCPT__PAIR_ASKED, MCPT__PAIR_ISSUED, MCPT__PAIR_USED };            /* mcpt_pairing_request.state */
enum { MCPT__PAIR_NAME = 100, MCPT__PAIR_ASK_MS = 300000, MCPT__PAIR_CODE_MS = 60000, MCPT__PAIR_TRIES = 16 };
enum { MCPT__C_ID = 1, MCPT__C_MADE = 9, MCPT__C_NAME = 17, MCPT__C_URIS = 18 };           /* offsets in a client */
enum {                                                                                     /* offsets in a grant */
    MCPT__G_CLIENT = 1, MCPT__G_MADE = 10, MCPT__G_LAST = 18, MCPT__G_UNTIL = 26, MCPT__G_BOOT = 34, MCPT__G_MILLIS = 38,
    MCPT__G_ACCESS = 42, MCPT__G_REFRESH = 74, MCPT__G_FAMILY = 106, MCPT__G_NAME = 138, MCPT__G_TEXT = 139
};

static void mcpt__num_put(char *p, uint64_t v, size_t n)
{
    for (; n != 0; n--, v >>= 8) {
        *p++ = (char)(unsigned char)(v & 255u);
    }
}

static uint64_t mcpt__num_get(const char *p, size_t n)
{
    uint64_t v = 0;

    while (n != 0) {
        v = v << 8 | (unsigned char)p[--n];
    }
    return v;
}

static bool mcpt__pair_sha(const mcpt_pairing *p, const void *data, size_t n, uint8_t out[32])
{
    mcpt_str part = mcpt__mk((const char *)data, n);

    return p->env->crypto->sha256(p->env->crypto->user, &part, 1, out);
}

static bool mcpt__pair_random(const mcpt_pairing *p, void *buf, size_t n)
{
    return p->env->random(p->env->user, buf, n);
}

static uint32_t mcpt__pair_millis(const mcpt_pairing *p)
{
    return p->env->millis(p->env->user);
}

/* What tokens without a clock live in: until a restart, or until the monotonic clock wraps. */
static uint32_t mcpt__pair_boot(mcpt_pairing *p)
{
    uint32_t now = mcpt__pair_millis(p);

    p->boot += now < p->seen ? 1u : 0u;
    p->seen = now;
    return p->boot;
}

static int64_t mcpt__pair_now(const mcpt_pairing *p)        /* -1: the clock is not set */
{
    int64_t now = mcpt__wall(p->env);

    return now < 0 ? -1 : now;
}

static unsigned mcpt__pair_rows(const mcpt_pairing *p, char kind)
{
    unsigned n = kind == 'c' ? p->config->clients : p->config->grants;

    return n != 0 ? n : 8;
}

/* -- records */
static void mcpt__pair_key(char key[8], char kind, unsigned row)
{
    MCPT_MEMCPY(key, "pair", 4);
    key[4] = kind;
    *mcpt__cat_num(key + 5, row, 16, 2) = '\0';
}

/* OK: p->rec holds it. E_ABSENT: the row is free, or its record is damaged. Others: hands off the row. */
static mcpt_err mcpt__pair_read(mcpt_pairing *p, char kind, unsigned row)
{
    const mcpt_store *s = p->config->store;
    char key[8];
    mcpt_err e;

    p->rec_len = 0;
    if (row >= mcpt__pair_rows(p, kind)) {
        return MCPT_E_ABSENT;
    }
    mcpt__pair_key(key, kind, row);
    e = s->read(s->user, key, p->rec, sizeof(p->rec), &p->rec_len);
    p->found = e == MCPT_OK;
    if (e == MCPT_OK && p->rec_len != 0 && p->rec[0] != 1) {
        return MCPT_E_FORMAT;
    }
    return e == MCPT_E_DAMAGED || (e == MCPT_OK && p->rec_len < (kind == 'c' ? (size_t)MCPT__C_URIS : (size_t)MCPT__G_TEXT)) ?
           MCPT_E_ABSENT : e;
}

/* The record that was read last, as swap wants it. */
static mcpt_str mcpt__pair_old(const mcpt_pairing *p)
{
    return mcpt__mk(p->found ? p->rec : NULL, p->rec_len);
}

/* Other processes may pair, too: a record is replaced, or erased (value.ptr NULL), only as it was read. E_CONFLICT: it is another. */
static mcpt_err mcpt__pair_write(mcpt_pairing *p, char kind, unsigned row, mcpt_str old, mcpt_str value)
{
    const mcpt_store *s = p->config->store;
    mcpt_err e = MCPT_E_DAMAGED;
    char key[8];

    mcpt__pair_key(key, kind, row);
    if (s->swap != NULL) {
        e = s->swap(s->user, key, old, value);
    }
    if (e == MCPT_E_DAMAGED) {        /* nothing to compare with */
        e = value.ptr != NULL ? s->write(s->user, key, value) : s->erase(s->user, key);
    }
    return e;
}

static mcpt_str mcpt__pair_name(const mcpt_pairing *p, size_t at)          /* of the record in p->rec */
{
    size_t n = (unsigned char)p->rec[at];

    return n <= p->rec_len - at - 1 ? mcpt__mk(p->rec + at + 1, n) : mcpt__mk("", 0);
}

static mcpt_str mcpt__pair_tail(const mcpt_pairing *p, size_t at)          /* what follows the name */
{
    size_t from = at + 1 + mcpt__pair_name(p, at).len;

    return mcpt__mk(p->rec + from, p->rec_len - from);
}

/* Reads the client of an id, its row and 8 random bytes. */
static mcpt_err mcpt__pair_client(mcpt_pairing *p, const uint8_t id[9])
{
    mcpt_err e = mcpt__pair_read(p, 'c', id[0]);

    return e == MCPT_OK && MCPT_MEMCMP(p->rec + MCPT__C_ID, id + 1, 8) != 0 ? MCPT_E_ABSENT : e;
}

static bool mcpt__pair_id(mcpt_str text, uint8_t id[9])
{
    size_t n = 0;

    return text.len == 12 && mcpt_b64_decode(text, true, id, 9, &n) && n == 9;
}

static void mcpt__pair_evict(const mcpt_pairing *p, const char *hash)
{
    uint8_t copy[32];
    mcpt_verdict *g;

    MCPT_MEMCPY(copy, hash, 32);
    g = p->hub != NULL ? mcpt__verdict_find(p->hub, copy) : NULL;
    if (g != NULL) {
        g->state = MCPT__VERDICT_FREE;
    }
}

/* Ends the grant in p->rec, also when another process renews it meanwhile. */
static mcpt_err mcpt__pair_end(mcpt_pairing *p, unsigned row)
{
    uint8_t family[32];
    unsigned tries;
    mcpt_err e = MCPT_E_CONFLICT;

    MCPT_MEMCPY(family, p->rec + MCPT__G_FAMILY, 32);
    for (tries = 0; tries < MCPT__PAIR_TRIES && e == MCPT_E_CONFLICT; tries++) {
        mcpt__pair_evict(p, p->rec + MCPT__G_ACCESS);
        e = mcpt__pair_write(p, 'g', row, mcpt__pair_old(p), mcpt__mk(NULL, 0));
        if (e == MCPT_E_CONFLICT) {
            mcpt_err now = mcpt__pair_read(p, 'g', row);

            e = now == MCPT_OK && mcpt_same(family, p->rec + MCPT__G_FAMILY, 32) ? e : now;
        }
    }
    return e == MCPT_E_ABSENT ? MCPT_OK : e;
}

/* Has the grant in p->rec gone unused for too long? */
static bool mcpt__pair_stale(const mcpt_pairing *p)
{
    int64_t last = (int64_t)mcpt__num_get(p->rec + MCPT__G_LAST, 8);
    int64_t now = mcpt__pair_now(p);

    return last >= 0 && now >= 0 && now - last > (int64_t)(p->config->refresh_s != 0 ? p->config->refresh_s : 7776000u);
}

/* Is there a grant of this client? */
static bool mcpt__pair_used(mcpt_pairing *p, unsigned row, const uint8_t id[8])
{
    unsigned i;

    for (i = 0; i < mcpt__pair_rows(p, 'g'); i++) {
        mcpt_err e = mcpt__pair_read(p, 'g', i);

        if (e != MCPT_E_ABSENT && (e != MCPT_OK || ((unsigned char)p->rec[MCPT__G_CLIENT] == row &&
                                                   MCPT_MEMCMP(p->rec + MCPT__G_CLIENT + 1, id, 8) == 0))) {
            return true;
        }
    }
    return false;
}

/* A row for a grant of this client: a free one, one that is stale, the client's own oldest. -1: none. */
static int mcpt__pair_room(mcpt_pairing *p, const uint8_t id[9])
{
    uint64_t oldest = (uint64_t)-1;
    int best = -1;
    unsigned i;

    for (i = 0; i < mcpt__pair_rows(p, 'g'); i++) {
        mcpt_err e = mcpt__pair_read(p, 'g', i);

        if (e == MCPT_E_ABSENT || (e == MCPT_OK && mcpt__pair_stale(p))) {
            return (int)i;
        }
        if (e == MCPT_OK && MCPT_MEMCMP(p->rec + MCPT__G_CLIENT, id, 9) == 0 &&
            (best < 0 || mcpt__num_get(p->rec + MCPT__G_LAST, 8) < oldest)) {
            oldest = mcpt__num_get(p->rec + MCPT__G_LAST, 8);
            best = (int)i;
        }
    }
    return best;
}

/* -- forms (application/x-www-form-urlencoded) and queries */
enum {
    MCPT__Q_CLIENT, MCPT__Q_REDIRECT, MCPT__Q_TYPE, MCPT__Q_STATE, MCPT__Q_SCOPE, MCPT__Q_RESOURCE, MCPT__Q_CHALLENGE,
    MCPT__Q_METHOD, MCPT__Q_CODE, MCPT__Q_VERIFIER, MCPT__Q_GRANT, MCPT__Q_REFRESH, MCPT__Q_TOKEN, MCPT__Q_FORM,
    MCPT__Q_ACTION, MCPT__Q_COUNT
};
typedef struct mcpt__params { mcpt_str v[MCPT__Q_COUNT]; } mcpt__params;   /* as they came, encoded */

/* False: a parameter comes twice (RFC 6749 section 3.1). */
static bool mcpt__params_read(mcpt__params *f, mcpt_str text)
{
    static const char names[] = "client_id\0redirect_uri\0response_type\0state\0scope\0resource\0code_challenge\0"
        "code_challenge_method\0code\0code_verifier\0grant_type\0refresh_token\0token\0form\0action\0";
    size_t i = 0;

    MCPT_MEMSET(f, 0, sizeof(*f));
    while (i < text.len) {
        const char *amp = (const char *)MCPT_MEMCHR(text.ptr + i, '&', text.len - i);
        size_t end = amp != NULL ? (size_t)(amp - text.ptr) : text.len;
        const char *eq = (const char *)MCPT_MEMCHR(text.ptr + i, '=', end - i);
        mcpt_str name = mcpt__mk(text.ptr + i, (eq != NULL ? (size_t)(eq - text.ptr) : end) - i);
        const char *row = names;
        unsigned k = 0;

        while (*row != '\0' && !mcpt_str_is(name, row)) {
            row += MCPT_STRLEN(row) + 1;
            k++;
        }
        if (*row != '\0' && eq != NULL) {
            if (f->v[k].ptr != NULL) {
                return false;
            }
            f->v[k] = mcpt__mk(eq + 1, end - (size_t)(eq + 1 - text.ptr));
        }
        i = end + 1;
    }
    return true;
}

/* The value decoded, in p->text; absent: it is not there, malformed or too long. */
static mcpt_str mcpt__param(mcpt_pairing *p, mcpt_str raw)
{
    mcpt_str out;

    if (raw.ptr == NULL || !mcpt__form_value(raw, p->text + p->text_len, sizeof(p->text) - p->text_len, &out)) {
        return mcpt__mk(NULL, 0);
    }
    p->text_len += out.len;
    return out;
}

#if !MCPT_NO_EXCHANGE
/* A client that is a URL (section 3 of the draft): https, a path, no dot segments. Its host is judged when it is connected to. */
static bool mcpt__client_url(const mcpt_pairing *p, mcpt_str s)
{
    mcpt_url u;
    unsigned dots = 0;
    size_t i;

    if (p->config->exchange == NULL || p->hub == NULL || s.len > MCPT_MAX_URL || !mcpt_url_split(s, &u) ||
        !mcpt_str_is(u.scheme, "https") || u.path.len < 2 || (mcpt__loopback(u.host) && !p->config->document_private)) {
        return false;
    }
    for (i = 0; i <= u.path.len; i++) {
        bool ends = i == u.path.len || u.path.ptr[i] == '/';

        if (ends && (dots == 1 || dots == 2)) {
            return false;
        }
        dots = ends ? 0 : u.path.ptr[i] == '.' ? dots + 1 : 3;
    }
    return true;
}
#endif

/* The client of a parameter: the id that it was given, or its URL's, whose random part is a hash. url: the latter, in p->text. */
static bool mcpt__pair_who(mcpt_pairing *p, mcpt_str raw, uint8_t id[9], mcpt_str *url)
{
    *url = mcpt__mk(NULL, 0);
#if !MCPT_NO_EXCHANGE
    if (raw.len != 12) {
        uint8_t hash[32];
        unsigned i;
        mcpt_str s = mcpt__param(p, raw);

        if (!mcpt__client_url(p, s) || !mcpt__pair_sha(p, s.ptr, s.len, hash)) {
            return false;
        }
        *url = s;
        MCPT_MEMCPY(id + 1, hash, 8);
        for (i = 0; i < mcpt__pair_rows(p, 'c'); i++) {
            id[0] = (uint8_t)i;
            if (mcpt__pair_client(p, id) == MCPT_OK) {
                break;
            }
        }
        return true;
    }
#endif
    (void)p;
    return mcpt__pair_id(raw, id);
}

/* -- answers */
#define MCPT__PAIR_CORS "Access-Control-Allow-Origin: *\r\n"
static void mcpt__pair_open(mcpt_conn *c, mcpt_writer *w)
{
    mcpt__tx_reset(c);
    mcpt__tx_add(c, "Cache-Control: no-store\r\n" MCPT__PAIR_CORS);
    if (c->status == 429) {
        mcpt__tx_add(c, "Retry-After: 30\r\n");
    }
    mcpt__tx_add(c, "\r\n");
    c->lines = (uint16_t)(c->io.tx_len - c->io.tx_at);
    mcpt_w_init(w, mcpt__tx_end(c), c->io.tx_cap - c->io.tx_len);
    mcpt_obj(w);
}

static void mcpt__pair_close(mcpt_conn *c, mcpt_writer *w, uint16_t status)
{
    mcpt_end(w);
    c->status = status;
    if (mcpt_w_done(w, NULL) < 0) {
        mcpt__note(c->server, MCPT_ERROR, w->err, "tx is too small for an answer of the authorization server");
        c->lines = 0;
        mcpt__tx_reset(c);
        mcpt__answer_empty(c, 500);
        return;
    }
    c->io.tx_len += (uint32_t)w->len;
    mcpt__head_commit(c, false, (int64_t)w->len);
    c->io.peak_tx = mcpt__peak(c->io.peak_tx, c->io.tx_len);
    c->io.state = MCPT__X_DONE;
}

static void mcpt__pair_error(mcpt_conn *c, uint16_t status, const char *error, const char *text)
{
    mcpt_writer w;

    c->status = status;
    mcpt__pair_open(c, &w);
    mcpt_kv_z(&w, "error", error);
    mcpt_kv_z(&w, "error_description", text);
    mcpt__pair_close(c, &w, status);
}

/* The store or the random source failed. */
static void mcpt__pair_broken(mcpt_conn *c, mcpt_err e)
{
    mcpt__note(c->server, MCPT_ERROR, e, "pairing: the store or the random source failed");
    mcpt__pair_error(c, 503, "temporarily_unavailable", "try again later");
}

#endif

/* >>pair-consent: implementation ----------------------------------------------------------------------
 * Registration, the authorization endpoint, its page. */
#if !MCPT_NO_PAIRING
static mcpt_str mcpt__pair_query(const mcpt_conn *c)
{
    mcpt_str s = mcpt__is_hosted(c) ? c->request->query : mcpt__cut(c->io.rx, c->head.target);
    const char *query = !mcpt__is_hosted(c) ? (const char *)MCPT_MEMCHR(s.ptr, '?', s.len) : NULL;

    return query != NULL ? mcpt__mk(query + 1, s.len - (size_t)(query + 1 - s.ptr)) : mcpt__is_hosted(c) && s.ptr != NULL ? s : mcpt__mk("", 0);
}

/* -- registration (RFC 7591) */
static bool mcpt__redirect_ok(mcpt_str uri)
{
    mcpt_url u;

    return uri.len <= MCPT_MAX_URL && mcpt_url_split(uri, &u) &&
           (mcpt_str_is(u.scheme, "https") || (mcpt_str_is(u.scheme, "http") && mcpt__loopback(u.host)));
}

/* RFC 9700 section 2.1: the same text; RFC 8252 section 7.3: the port of a loopback one is free. */
static bool mcpt__redirect_same(mcpt_str a, mcpt_str b)
{
    mcpt_url u;
    mcpt_url v;

    if (mcpt_str_eq(a, b)) {
        return true;
    }
    return mcpt_url_split(a, &u) && mcpt_url_split(b, &v) && mcpt_str_is(u.scheme, "http") && mcpt_str_is(v.scheme, "http") &&
           mcpt__loopback(u.host) && mcpt_str_eq(u.host, v.host) && mcpt_str_eq(u.path, v.path) &&
           ((u.query.ptr == NULL && v.query.ptr == NULL) || mcpt_str_eq(u.query, v.query));
}

/* A name that can be shown: UTF-8 without controls, line ends and what turns the direction of text. */
static bool mcpt__shown_ok(mcpt_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        unsigned char next = i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0u;
        unsigned char third = i + 2 < s.len ? (unsigned char)s.ptr[i + 2] : 0u;

        if (ch < 0x20 || ch == 0x7f || (ch == 0xc2 && next < 0xa0) || (ch == 0xd8 && next == 0x9c) ||
            (ch == 0xe2 && ((next == 0x80 && (third < 0x90 || third >= 0xa8) && third != 0x87 && third < 0xb0) ||
                            (next == 0x81 && third >= 0xa0)))) {
            return false;
        }
    }
    return s.len <= MCPT__PAIR_NAME && mcpt_utf8_ok(s);
}

/* Writes name and redirect URIs as a record's end into p->text. NULL, or the error. */
static const char *mcpt__register_read(mcpt_pairing *p, mcpt_val root)
{
    mcpt_val uris = mcpt_get(root, "redirect_uris");
    mcpt_str s = mcpt__mk("", 0);
    mcpt_err e = mcpt_get_str(mcpt_get(root, "client_name"), p->text + MCPT__C_URIS, MCPT__PAIR_NAME, &s);
    size_t i;

    if ((e != MCPT_OK && e != MCPT_E_ABSENT) || !mcpt__shown_ok(s)) {
        return "invalid_client_metadata";
    }
    MCPT_MEMMOVE(p->text + MCPT__C_URIS, s.ptr, s.len);
    p->text[MCPT__C_NAME] = (char)(unsigned char)s.len;
    p->text_len = MCPT__C_URIS + s.len;
    for (i = 0; i < mcpt_size(uris); i++) {
        size_t room = sizeof(p->rec) - p->text_len;
        char *at = p->text + p->text_len;

        if (mcpt_get_str(mcpt_at(uris, i), at, room, &s) != MCPT_OK || s.len >= room || !mcpt__redirect_ok(s)) {
            return "invalid_redirect_uri";
        }
        MCPT_MEMMOVE(at, s.ptr, s.len);
        at[s.len] = ' ';
        p->text_len += s.len + 1;
    }
    return i != 0 && mcpt_typeof(uris) == MCPT_ARRAY ? NULL : "invalid_redirect_uri";
}

/* The row for the client in p->text: that of the same one (own: of this id), a free one, the oldest without tokens, and when
 * what it has was made, 0: it is free. -1: none. */
static int mcpt__register_row(mcpt_pairing *p, const uint8_t *own, bool *same, uint64_t *oldest)
{
    uint8_t id[8];
    int row = -1;
    unsigned i;

    for (i = 0; i < mcpt__pair_rows(p, 'c'); i++) {
        mcpt_err e = mcpt__pair_read(p, 'c', i);
        bool mine = e == MCPT_OK && (own == NULL || MCPT_MEMCMP(p->rec + MCPT__C_ID, own, 8) == 0);
        uint64_t made = e == MCPT_OK ? mcpt__num_get(p->rec + MCPT__C_MADE, 8) : 0;

        *same = mine && p->rec_len == p->text_len &&
                MCPT_MEMCMP(p->rec + MCPT__C_NAME, p->text + MCPT__C_NAME, p->text_len - MCPT__C_NAME) == 0;
        if (*same || (own != NULL && mine)) {
            *oldest = made;
            return (int)i;
        }
        if ((e != MCPT_OK && e != MCPT_E_ABSENT) || (row >= 0 && made >= *oldest)) {
            continue;
        }
        if (e == MCPT_OK) {
            MCPT_MEMCPY(id, p->rec + MCPT__C_ID, 8);
        }
        if (e == MCPT_E_ABSENT || !mcpt__pair_used(p, i, id)) {
            *oldest = made;
            row = (int)i;
        }
    }
    return row;
}

/* Registrations write to the store before anybody was asked, fetches go where strangers say, so they are few: 8 of each, then one in
 * 30 seconds. Neither uses up what the other has. */
static bool mcpt__register_may(mcpt_pairing *p, uint8_t *used)
{
    uint32_t now = mcpt__pair_millis(p);
    uint32_t more = (now - p->register_at) / 30000u;

    if (more != 0) {
        p->register_at += more * 30000u;
        p->registers = (uint8_t)(more >= p->registers ? 0u : p->registers - more);
        p->fetched = (uint8_t)(more >= p->fetched ? 0u : p->fetched - more);
    }
    return *used < 8;
}

/* The client in p->text into the store, unless it is there. id: its row and 8 bytes, which are those of own or, NULL, random ones.
 * E_FULL: no room for another client; E_LIMIT: too many came. */
static mcpt_err mcpt__register_put(mcpt_pairing *p, const uint8_t *own, uint8_t id[9])
{
    unsigned tries;

    for (tries = 0; tries < MCPT__PAIR_TRIES; tries++) {
        uint64_t made = 0;
        bool same = false;
        int row = mcpt__register_row(p, own, &same, &made);
        mcpt_err e;

        if (row < 0 || (!same && own == NULL && !mcpt__register_may(p, &p->registers))) {
            return row < 0 ? MCPT_E_FULL : MCPT_E_LIMIT;
        }
        id[0] = (uint8_t)row;
        if (same) {
            MCPT_MEMCPY(id + 1, p->rec + MCPT__C_ID, 8);
            return MCPT_OK;
        }
        e = mcpt__pair_read(p, 'c', (unsigned)row);
        if ((e == MCPT_OK ? mcpt__num_get(p->rec + MCPT__C_MADE, 8) : 0) != made) {
            continue;                 /* another process was faster */
        }
        if (own != NULL) {
            MCPT_MEMCPY(id + 1, own, 8);
        } else if (!mcpt__pair_random(p, id + 1, 8)) {
            return MCPT_E_RANDOM;
        }
        p->text[0] = 1;
        MCPT_MEMCPY(p->text + MCPT__C_ID, id + 1, 8);
        mcpt__num_put(p->text + MCPT__C_MADE, (uint64_t)mcpt__pair_now(p), 8);
        e = mcpt__pair_write(p, 'c', (unsigned)row, mcpt__pair_old(p), mcpt__mk(p->text, p->text_len));
        if (e != MCPT_E_CONFLICT) {
            p->registers = (uint8_t)(p->registers + (e == MCPT_OK && own == NULL ? 1 : 0));
            return e;
        }
    }
    return MCPT_E_CONFLICT;
}

static void mcpt__pair_register(mcpt_conn *c, mcpt_pairing *p, mcpt_str body)
{
    mcpt_doc doc;
    mcpt_writer w;
    mcpt_str word;
    const char *words;
    const char *error = "invalid_client_metadata";
    char id[13];
    uint8_t raw[9];
    mcpt_err e = mcpt_parse(&doc, body, c->tok, c->ntok);

    if (e == MCPT_OK && mcpt_typeof(mcpt_root(&doc)) == MCPT_OBJECT) {
        error = mcpt__register_read(p, mcpt_root(&doc));
    }
    if (error != NULL) {
        mcpt__pair_error(c, 400, error, "redirect_uris: https, or http to loopback; client_name: at most 100 bytes of text");
        return;
    }
    e = mcpt__register_put(p, NULL, raw);
    if (e == MCPT_E_FULL || e == MCPT_E_LIMIT) {
        mcpt__pair_error(c, (uint16_t)(e == MCPT_E_FULL ? 503 : 429), "temporarily_unavailable", e == MCPT_E_FULL ? "no room for another client" : "too many clients");
        return;
    }
    if (e != MCPT_OK) {
        mcpt__pair_broken(c, e);
        return;
    }
    id[mcpt_b64_encode(raw, 9, true, id, 12)] = '\0';
    mcpt__pair_open(c, &w);
    mcpt_kv_z(&w, "client_id", id);
    if (p->text[MCPT__C_NAME] != 0) {
        mcpt_kv_str(&w, "client_name", mcpt__mk(p->text + MCPT__C_URIS, (unsigned char)p->text[MCPT__C_NAME]));
    }
    mcpt_key(&w, "redirect_uris");
    mcpt_arr(&w);
    p->text[p->text_len - 1] = '\0';
    words = p->text + MCPT__C_URIS + (unsigned char)p->text[MCPT__C_NAME];
    while (mcpt__word(&words, &word)) {
        mcpt_put_str(&w, word);
    }
    mcpt_end(&w);
    mcpt_kv_raw(&w, "grant_types", mcpt_z("[\"authorization_code\",\"refresh_token\"]"));
    mcpt_kv_raw(&w, "response_types", mcpt_z("[\"code\"]"));
    mcpt_kv_z(&w, "token_endpoint_auth_method", "none");
    mcpt__pair_close(c, &w, 201);
}

#if !MCPT_NO_EXCHANGE
/* -- client ID metadata documents. In config->document: the URL, then what it leads to. */
enum { MCPT__DOC_NONE, MCPT__DOC_BUSY, MCPT__DOC_HERE, MCPT__DOC_GOOD, MCPT__DOC_BAD };    /* mcpt_pairing_document.state */

static mcpt_err mcpt__client_head(void *user, const mcpt_exchange *x, unsigned status)
{
    mcpt_pairing *p = (mcpt_pairing *)user;
    mcpt_str type = mcpt__media_type(mcpt_exchange_field(x, MCPT_F_CONTENT_TYPE));
    int32_t age = mcpt_exchange_max_age(x);

    p->fetching->ttl_ms = (uint32_t)(age < 0 ? 3600 : age < 60 ? 60 : age) * 1000u;
    if (!mcpt_str_ieq(type, "application/json") && (type.len < 5 || !mcpt_str_ieq(mcpt__mk(type.ptr + type.len - 5, 5), "+json"))) {
        return status == 200 ? MCPT_E_HTTP : MCPT_E_STATUS; /* what anybody may upload somewhere is no metadata */
    }
    return status == 200 ? MCPT_OK : MCPT_E_STATUS;
}

static mcpt_err mcpt__client_piece(void *user, const char *text, size_t len)   /* no more than mcpt_fetch.limit */
{
    mcpt_pairing *p = (mcpt_pairing *)user;

    MCPT_MEMCPY(p->config->document + p->url_len + p->document_len, text, len);
    p->document_len += len;
    return MCPT_OK;
}

static void mcpt__client_judged(mcpt_pairing *p, mcpt_err e, uint8_t good)
{
    mcpt_pairing_document *d = p->fetching;

    d->state = e == MCPT_OK ? good : (uint8_t)MCPT__DOC_BAD;
    d->at = mcpt__pair_millis(p);
    if (e != MCPT_OK) {
        d->ttl_ms = 10000;
        mcpt__note(p->hub->server, MCPT_WARNING, e, "pairing: the client's metadata document cannot be used");
    }
    p->fetching = d->state == MCPT__DOC_HERE ? d : NULL;
}

static void mcpt__client_done(void *user, mcpt_err e)
{
    mcpt__client_judged((mcpt_pairing *)user, e, MCPT__DOC_HERE);
    mcpt_guard_wake(((mcpt_pairing *)user)->hub);
}

/* Reads what has come, with the values of the connection that asks first, and keeps it as a client's record. Section 4 of the draft:
 * client_id is the URL, byte for byte; no secret, which all could read. */
static mcpt_err mcpt__client_read(const mcpt_conn *c, mcpt_pairing *p)
{
    mcpt_str own = mcpt__mk(p->config->document, p->url_len);
    mcpt_str s;
    mcpt_doc doc;
    mcpt_val root;
    mcpt_val method;
    uint8_t id[9];
    mcpt_err e = mcpt_parse(&doc, mcpt__mk(own.ptr + own.len, p->document_len), c->tok, c->ntok);

    if (e != MCPT_OK) {
        return e;
    }
    root = mcpt_root(&doc);
    method = mcpt_get(root, "token_endpoint_auth_method");
    if (mcpt_get_str(mcpt_get(root, "client_id"), p->text, sizeof(p->text), &s) != MCPT_OK || !mcpt_str_eq(s, own) ||
        mcpt_typeof(mcpt_get(root, "client_secret")) != MCPT_ABSENT ||
        (mcpt_typeof(method) != MCPT_ABSENT && (mcpt_get_str(method, p->text, sizeof(p->text), &s) != MCPT_OK || !mcpt_str_is(s, "none"))) ||
        mcpt__register_read(p, root) != NULL) {
        return MCPT_E_OAUTH;
    }
    return mcpt__register_put(p, p->fetching->id, id);
}

static size_t mcpt__client_slot(const mcpt_pairing *p, const uint8_t id[8])
{
    size_t i = 0;

    while (i < MCPT_PAIRING_REQUESTS && MCPT_MEMCMP(p->documents[i].id, id, 8) != 0) {
        i++;
    }
    return i;
}

static unsigned mcpt__client_state(const mcpt_pairing *p, const uint8_t id[8])       /* NONE: not fetched, or too long ago */
{
    const mcpt_pairing_document *d = &p->documents[mcpt__client_slot(p, id) % MCPT_PAIRING_REQUESTS];

    return MCPT_MEMCMP(d->id, id, 8) == 0 && (d == p->fetching || mcpt__pair_millis(p) - d->at < d->ttl_ms) ? d->state : (unsigned)MCPT__DOC_NONE;
}

static void mcpt__client_fetch(mcpt_pairing *p, mcpt_str url, const uint8_t id[8])
{
    mcpt_fetch f;
    size_t i = mcpt__client_slot(p, id);

    p->fetching = &p->documents[i < MCPT_PAIRING_REQUESTS ? i : p->fetches++ % MCPT_PAIRING_REQUESTS];
    p->fetching->state = MCPT__DOC_BUSY;
    MCPT_MEMCPY(p->fetching->id, id, 8);
    p->url_len = url.len;
    p->document_len = 0;
    MCPT_MEMSET(&f, 0, sizeof(f));
    if (url.len >= p->config->document_cap || !mcpt__register_may(p, &p->fetched)) {
        mcpt__client_judged(p, MCPT_E_LIMIT, 0);
        return;
    }
    p->fetched++;
    MCPT_MEMCPY(p->config->document, url.ptr, url.len);
    f.url = mcpt__mk(p->config->document, url.len);
    f.fields = mcpt_z("Accept: application/json\r\n");
    f.limit = (uint32_t)(p->config->document_cap - url.len);
    f.trusted = p->config->document_private;
    f.head = mcpt__client_head;
    f.piece = mcpt__client_piece;
    f.done = mcpt__client_done;
    f.user = p;
    if (mcpt_exchange_start(p->config->exchange, &f) != MCPT_OK) {
        mcpt__client_judged(p, MCPT_E_ARG, 0);
    }
}

/* Is a client that is a URL still to be fetched? Begins to, or waits for another's. */
static bool mcpt__client_pending(mcpt_conn *c, mcpt_pairing *p)
{
    mcpt__params f;
    mcpt_str url;
    uint8_t id[9];

    if (p->fetching != NULL && p->fetching->state == MCPT__DOC_HERE) {
        mcpt__client_judged(p, mcpt__client_read(c, p), MCPT__DOC_GOOD);
    }
    p->text_len = 0;
    if (!mcpt__params_read(&f, mcpt__pair_query(c)) || !mcpt__pair_who(p, f.v[MCPT__Q_CLIENT], id, &url) || url.ptr == NULL) {
        return false;
    }
    if (p->fetching == NULL && mcpt__client_state(p, id + 1) == MCPT__DOC_NONE) {
        mcpt__client_fetch(p, url, id + 1);
    }
    return mcpt__client_state(p, id + 1) < (unsigned)MCPT__DOC_GOOD;
}
#endif

/* -- the authorization endpoint */
enum {                                /* mcpt_conn.piece: the page */
    MCPT__PAGE_CONSENT, MCPT__PAGE_WRONG, MCPT__PAGE_MALFORMED, MCPT__PAGE_CLIENT, MCPT__PAGE_REDIRECT, MCPT__PAGE_OLD,
    MCPT__PAGE_LOCKED, MCPT__PAGE_LONG, MCPT__PAGE_DOCUMENT, MCPT__PAGE_BROKEN, MCPT__PAGE_FULL
};
typedef struct mcpt__asked {            /* an authorization request (RFC 6749 section 4.1.1) */
    mcpt__params f;
    mcpt_str query, redirect, url;    /* redirect and url in p->text; url: of a client that is one */
    uint8_t client[9], challenge[32];
    uint32_t scopes;
} mcpt__asked;

/* The scopes that a text asks for, a bit a row; all when it is absent. Words that there are not are passed over. */
static uint32_t mcpt__pair_scopes(const mcpt_pairing *p, mcpt_str text)
{
    uint32_t mask = 0;
    size_t i;

    for (i = 0; i < p->config->nscopes; i++) {
        if (text.ptr == NULL || mcpt__word_in(text, mcpt_z(p->config->scopes[i].scope))) {
            mask |= (uint32_t)1 << i;
        }
    }
    return mask;
}

static bool mcpt__words_in(mcpt_str words, mcpt_str all)
{
    mcpt_str word;

    while (mcpt__word_next(&words, &word)) {
        if (!mcpt__word_in(all, word)) {
            return false;
        }
    }
    return true;
}

/* RFC 8707: is resource this endpoint, under any of its names? Absent: of a client that knows no other. */
static bool mcpt__pair_resource(const mcpt_conn *c, mcpt_str resource)
{
    char url[MCPT_MAX_URL + 1];
    mcpt_token t;

    MCPT_MEMSET(&t, 0, sizeof(t));
    t.server = c->server;
    t.resource = mcpt__mk(url, mcpt__resource_url(c, url));
    return resource.ptr == NULL || (resource.len != 0 && mcpt_str_eq(resource, t.resource)) || mcpt_token_for(&t, resource);
}

/* Who asks, and where the answer goes. 0, or the page that says why nothing is sent there. */
static unsigned mcpt__ask_client(const mcpt_conn *c, mcpt_pairing *p, mcpt__asked *a)
{
    const char *uris;
    mcpt_str uri;
    bool known = false;
    mcpt_err e;

    p->text_len = 0;
    a->query = mcpt__pair_query(c);
    if (!mcpt__params_read(&a->f, a->query) || !mcpt__url_chars(a->query.ptr, a->query.len)) {
        return MCPT__PAGE_MALFORMED;
    }
    e = mcpt__pair_who(p, a->f.v[MCPT__Q_CLIENT], a->client, &a->url) ? mcpt__pair_client(p, a->client) : MCPT_E_ABSENT;
    if (e != MCPT_OK) {
        return e == MCPT_E_ABSENT ? MCPT__PAGE_CLIENT : MCPT__PAGE_BROKEN;
    }
    a->redirect = mcpt__param(p, a->f.v[MCPT__Q_REDIRECT]);
    p->rec[p->rec_len - 1] = '\0';    /* the blank behind the last one */
    uris = mcpt__pair_tail(p, MCPT__C_NAME).ptr;
    while (a->redirect.ptr != NULL && mcpt__word(&uris, &uri)) {
        known = known || mcpt__redirect_same(uri, a->redirect);
    }
    return known ? 0 : (unsigned)MCPT__PAGE_REDIRECT;
}

/* What is asked. NULL, or the error that goes to the redirect URI (RFC 6749 section 4.1.2.1). */
static const char *mcpt__ask_terms(const mcpt_conn *c, mcpt_pairing *p, mcpt__asked *a)
{
    const mcpt_str *v = a->f.v;
    size_t n = 0;

    if (!mcpt_str_is(v[MCPT__Q_TYPE], "code")) {
        return v[MCPT__Q_TYPE].ptr != NULL ? "unsupported_response_type" : "invalid_request";
    }
    if (!mcpt_str_is(v[MCPT__Q_METHOD], "S256") || v[MCPT__Q_CHALLENGE].len != 43 ||
        !mcpt_b64_decode(v[MCPT__Q_CHALLENGE], true, a->challenge, 32, &n)) {
        return "invalid_request";     /* RFC 7636 section 4.4.1 */
    }
    if (v[MCPT__Q_RESOURCE].ptr != NULL) {
        mcpt_str resource = mcpt__param(p, v[MCPT__Q_RESOURCE]);

        if (resource.ptr == NULL || !mcpt__pair_resource(c, resource)) {
            return "invalid_target";
        }
    }
    a->scopes = mcpt__pair_scopes(p, v[MCPT__Q_SCOPE].ptr != NULL ? mcpt__param(p, v[MCPT__Q_SCOPE]) : v[MCPT__Q_SCOPE]);
    return a->scopes == 0 && p->config->nscopes != 0 ? "invalid_scope" : NULL;
}

/* The header lines of an answer to the redirect URI: key and value, state as it came, iss (RFC 9207). */
static void mcpt__ask_location(const mcpt_conn *c, const mcpt__asked *a, mcpt__out *o, const char *key, const char *value)
{
    char base[MCPT_MAX_URL + 1];

    mcpt__out_z(o, "Location: ");
    mcpt__out_add(o, a->redirect.ptr, a->redirect.len);
    mcpt__out_z(o, MCPT_MEMCHR(a->redirect.ptr, '?', a->redirect.len) != NULL ? "&" : "?");
    mcpt__out_z(o, key);
    mcpt__out_z(o, value);
    if (a->f.v[MCPT__Q_STATE].ptr != NULL) {
        mcpt__out_z(o, "&state=");
        mcpt__out_add(o, a->f.v[MCPT__Q_STATE].ptr, a->f.v[MCPT__Q_STATE].len);
    }
    mcpt__out_z(o, "&iss=");
    mcpt__out_form(o, mcpt__mk(base, mcpt__base_url(c, base)));
    mcpt__out_z(o, "\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\r\n");
}

static void mcpt__ask_redirect(mcpt_conn *c, const mcpt__asked *a, const char *key, const char *value)
{
    mcpt__out o = { NULL, 0, 0 };

    mcpt__tx_reset(c);
    o.p = mcpt__tx_end(c);
    o.cap = c->io.tx_cap - c->io.tx_len;
    mcpt__ask_location(c, a, &o, key, value);
    if (mcpt__out_end(&o) == 0) {
        mcpt__answer_empty(c, 500);   /* was measured before anybody was asked */
        return;
    }
    c->io.tx_len += (uint32_t)o.len;
    c->lines = (uint16_t)o.len;
    c->status = 303;                  /* RFC 9700 section 4.12 */
    mcpt__head_commit(c, false, 0);
    c->io.state = MCPT__X_DONE;
}

/* -- the page */
static void mcpt__html_z(mcpt_writer *w, const char *z)
{
    mcpt__w_bytes(w, z, MCPT_STRLEN(z));
}

static void mcpt__html(mcpt_writer *w, mcpt_str s)          /* any text, as text or in a quoted attribute */
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        switch (s.ptr[i]) {
        case '&': mcpt__html_z(w, "&amp;"); break;
        case '<': mcpt__html_z(w, "&lt;"); break;
        case '>': mcpt__html_z(w, "&gt;"); break;
        case '"': mcpt__html_z(w, "&quot;"); break;
        case '\'': mcpt__html_z(w, "&#39;"); break;
        default: mcpt__w_bytes(w, s.ptr + i, 1);
        }
    }
}

/* The hash in the policy is that of the style (CSP level 3, section 6.7.3.3). No form-action: browsers hold the redirect that answers
 * the form against it. */
#define MCPT__PAIR_STYLE "body{font:1.1em/1.5 system-ui,sans-serif;max-width:30em;margin:2em auto;padding:0 1em;color:#111;background:#fff}" \
    "input,button{font:inherit;padding:.5em;margin:.3em .3em .3em 0;border:2px solid #555;border-radius:.3em}" \
    "#code{font-size:1.5em;width:9em;letter-spacing:.1em;display:block}button{min-width:7em;background:#eee;color:#111}" \
    "[value=allow]{background:#064;color:#fff;border-color:#064}[role=alert]{border:2px solid #a00;padding:.5em}" \
    ":focus{outline:3px solid #06c;outline-offset:2px}"
#define MCPT__PAIR_PAGE "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; style-src '" MCPT__PAIR_STYLE_HASH \
    "'; base-uri 'none'; frame-ancestors 'none'\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n"
#define MCPT__PAIR_STYLE_HASH "sha256-8lHmZcPz9VqdAze/4NhOzSJQKJb81tt7HunCvgOv5j8="

/* The request that a consent page is about; its client is in p->rec then. */
static void mcpt__put_consent(const mcpt_conn *c, mcpt_pairing *p, mcpt_writer *w, mcpt_str title)
{
    const mcpt_pairing_request *r = &p->requests[c->piece_n];
    char form[23];
    size_t i;
    mcpt__asked a;
    mcpt_url u;
    mcpt_url v;

    if (mcpt__ask_client(c, p, &a) != 0 || !mcpt_url_split(a.redirect, &u)) {
        mcpt__w_fail(w, MCPT_E_STATE);
        return;
    }
    form[mcpt_b64_encode(r->form, 16, true, form, 22)] = '\0';
    mcpt__html_z(w, "<p>A program that calls itself <strong>");
    mcpt__html(w, mcpt__pair_name(p, MCPT__C_NAME).len != 0 ? mcpt__pair_name(p, MCPT__C_NAME) : mcpt_z("(no name)"));
    if (a.url.ptr != NULL && mcpt_url_split(a.url, &v)) {
        mcpt__html_z(w, "</strong> of <strong>");
        mcpt__html(w, v.host);
    }
    mcpt__html_z(w, "</strong> asks to use this device. Your answer goes to <strong>");
    mcpt__html(w, u.host);
    mcpt__html_z(w, mcpt__loopback(u.host) ? "</strong>, a program on the computer or phone you read this on.</p>" :
                 "</strong>. Allow only if you began this there.</p>");
    mcpt__html_z(w, r->scopes != 0 ? "<h2>It may then</h2><ul>" : "<p>It may then use everything the device offers.</p>");
    for (i = 0; i < p->config->nscopes; i++) {
        const mcpt_pairing_scope *s = &p->config->scopes[i];

        if ((r->scopes >> i & 1u) != 0) {
            mcpt__html_z(w, "<li>");
            mcpt__html(w, mcpt_z(s->text != NULL ? s->text : s->scope));
            mcpt__html_z(w, "</li>");
        }
    }
    mcpt__html_z(w, r->scopes != 0 ? "</ul>" : "");
    mcpt__html_z(w, "<form method=\"post\"><input type=\"hidden\" name=\"form\" value=\"");
    mcpt__html_z(w, form);
    mcpt__html_z(w, "\"><label for=\"code\">Code that ");
    mcpt__html(w, title);
    mcpt__html_z(w, " shows now</label><input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"20\" required"
                 " aria-describedby=\"hint\"");
    mcpt__html_z(w, c->piece == MCPT__PAGE_WRONG ? " aria-invalid=\"true\"><p id=\"hint\">" : "><p id=\"hint\">");
    mcpt__html_z(w, "8 digits; blanks do not matter.</p><button name=\"action\" value=\"allow\">Allow</button>"
                 "<button name=\"action\" value=\"deny\" formnovalidate>Deny</button></form>");
}

static void mcpt__put_page(const mcpt_conn *c, mcpt_writer *w)
{
    static const char notes[] = "\0That is not the code on the device. Look again.\0"
        "The request is malformed.\0This device does not know the program that sent you. Let it connect anew.\0"
        "The program that sent you names an address that it did not register. Nothing was sent there.\0"
        "This page is out of date. Begin again in your program.\0"
        "Too many wrong codes. Wait some minutes, then begin again in your program.\0"
        "The request is longer than this device can answer.\0"
        "The program that sent you says who it is at an address where this device does not find that, or not in order.\0The device cannot store anything now. Try again later.\0"
        "The device is paired with as many programs as it can hold. Remove one first.\0";
    mcpt_pairing *p = c->server->guard->pairing;
    const mcpt_server *s = c->server;
    mcpt_str title = mcpt_z(p->config->title != NULL ? p->config->title : s->title != NULL ? s->title : s->name);
    const char *note = notes;
    uint32_t i;

    for (i = 0; i < c->piece; i++) {
        note += MCPT_STRLEN(note) + 1;
    }
    mcpt__html_z(w, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                 "content=\"width=device-width,initial-scale=1\"><title>Pair with ");
    mcpt__html(w, title);
    mcpt__html_z(w, "</title><style>" MCPT__PAIR_STYLE "</style></head><body><main><h1>Pair with ");
    mcpt__html(w, title);
    mcpt__html_z(w, "</h1>");
    if (*note != '\0') {
        mcpt__html_z(w, "<p role=\"alert\">");
        mcpt__html_z(w, note);
        mcpt__html_z(w, "</p>");
    }
    if (c->piece <= MCPT__PAGE_WRONG) {
        mcpt__put_consent(c, p, w, title);
    }
    mcpt__html_z(w, "</main></body></html>\n");
}

static void mcpt__pair_page(mcpt_conn *c, unsigned page)
{
    c->piece = page;
    c->flags |= MCPT__C_HTML;
    mcpt__document_begin(c, (uint16_t)(page == MCPT__PAGE_CONSENT ? 200 : page == MCPT__PAGE_WRONG ? 403 : page == MCPT__PAGE_LOCKED ? 429 :
                         page >= MCPT__PAGE_BROKEN ? 503 : 400), MCPT__PAIR_PAGE, "", mcpt__put_page);
}

static bool mcpt__pair_locked(mcpt_pairing *p)
{
    if (mcpt__pair_millis(p) - p->locked_at >= p->locked_ms) {
        p->locked_ms = 0;             /* for good, also when the clock wraps */
    }
    return p->locked_ms != 0;
}

static void mcpt__request_drop(mcpt_pairing *p, mcpt_pairing_request *r)
{
    if (r->state == MCPT__PAIR_ASKED) {
        p->config->show(p->config->user, NULL, mcpt__mk(NULL, 0));
    }
    mcpt_wipe(r, sizeof(*r));
}

static void mcpt__requests_sweep(mcpt_pairing *p)
{
    size_t i;

    for (i = 0; i < MCPT_PAIRING_REQUESTS; i++) {
        mcpt_pairing_request *r = &p->requests[i];
        uint32_t age = mcpt__pair_millis(p) - r->since;

        if (r->state != MCPT__PAIR_FREE && age >= (r->state == MCPT__PAIR_ASKED ? (uint32_t)MCPT__PAIR_ASK_MS : (uint32_t)MCPT__PAIR_CODE_MS)) {
            mcpt__request_drop(p, r);
        }
    }
}

/* How soon a request gives way to another of that client: a client that asks without end ends its own pages, not those of others. */
static unsigned mcpt__request_rank(const mcpt_pairing_request *r, const uint8_t client[9])
{
    return r->state == MCPT__PAIR_FREE ? 3 : r->state == MCPT__PAIR_ISSUED ? 0 :
           r->state == MCPT__PAIR_ASKED && MCPT_MEMCMP(r->client, client, 9) == 0 ? 2 : 1;
}

/* The page of this very request, when it was loaded before; else the place for a new one. */
static mcpt_pairing_request *mcpt__request_place(mcpt_pairing *p, const uint8_t query[32], const uint8_t client[9])
{
    mcpt_pairing_request *best = &p->requests[0];
    uint32_t now = mcpt__pair_millis(p);
    size_t i;

    for (i = 0; i < MCPT_PAIRING_REQUESTS; i++) {
        mcpt_pairing_request *r = &p->requests[i];
        unsigned a = mcpt__request_rank(r, client);
        unsigned b = mcpt__request_rank(best, client);

        if (r->state == MCPT__PAIR_ASKED && mcpt_same(r->query, query, 32)) {
            return r;
        }
        if (a > b || (a == b && now - r->since > now - best->since)) {
            best = r;
        }
    }
    return best;
}

/* Fills a request and makes its pairing code. */
static bool mcpt__request_new(mcpt_pairing *p, mcpt_pairing_request *r, const mcpt__asked *a, const uint8_t query[32])
{
    uint32_t v = 0xffffffffu;
    size_t i;

    mcpt__request_drop(p, r);
    while (v >= 4200000000u) {        /* every code is as likely as any other */
        if (!mcpt__pair_random(p, &v, sizeof(v))) {
            return false;
        }
    }
    for (i = 9; i-- > 0; ) {
        r->code[i] = i == 4 ? ' ' : (char)('0' + v % 10u);
        v = i == 4 ? v : v / 10u;
    }
    MCPT_MEMCPY(r->client, a->client, 9);
    MCPT_MEMCPY(r->query, query, 32);
    MCPT_MEMCPY(r->challenge, a->challenge, 32);
    r->scopes = a->scopes;
    r->since = mcpt__pair_millis(p);
    if (!mcpt__pair_random(p, r->form, 16) || !mcpt__pair_sha(p, a->redirect.ptr, a->redirect.len, r->redirect)) {
        return false;
    }
    r->state = MCPT__PAIR_ASKED;
    return true;
}

/* GET: the page, and the code on the device. */
static void mcpt__pair_get(mcpt_conn *c)
{
    mcpt_pairing *p = c->server->guard->pairing;
    mcpt__out o = { NULL, 0, 0 };
    mcpt_pairing_request *r;
    const char *error;
    uint8_t query[32];
    mcpt__asked a;
    unsigned page = mcpt__ask_client(c, p, &a);

#if !MCPT_NO_EXCHANGE
    if (page != MCPT__PAGE_MALFORMED && a.url.ptr != NULL && mcpt__client_state(p, a.client + 1) != MCPT__DOC_GOOD) {
        page = MCPT__PAGE_DOCUMENT;
    }
#endif
    mcpt__requests_sweep(p);
    if (page == 0) {
        mcpt__ask_location(c, &a, &o, "error=", "unsupported_response_type and as much as a code is long");
        page = o.len + mcpt__head_room(c) > c->io.tx_cap ? MCPT__PAGE_LONG : mcpt__pair_locked(p) ? MCPT__PAGE_LOCKED : 0;
    }
    error = page == 0 ? mcpt__ask_terms(c, p, &a) : NULL;
    if (error != NULL) {
        mcpt__ask_redirect(c, &a, "error=", error);
        return;
    }
    if (page == 0 && mcpt__pair_room(p, a.client) < 0) {
        page = MCPT__PAGE_FULL;
    }
    if (page == 0) {
        r = mcpt__pair_sha(p, a.query.ptr, a.query.len, query) ? mcpt__request_place(p, query, a.client) : NULL;
        if (r == NULL || ((r->state != MCPT__PAIR_ASKED || !mcpt_same(r->query, query, 32)) && !mcpt__request_new(p, r, &a, query)) ||
            mcpt__pair_client(p, a.client) != MCPT_OK) {
            page = MCPT__PAGE_BROKEN;
        } else {
            c->piece_n = (uint32_t)(r - p->requests);
            p->config->show(p->config->user, r->code, mcpt__pair_name(p, MCPT__C_NAME));
        }
    }
    mcpt__pair_page(c, page);
}

/* Digits of what was typed against the code. */
static bool mcpt__code_is(const mcpt_pairing_request *r, mcpt_str typed)
{
    char digits[9] = { 0, 0, 0, 0, ' ', 0, 0, 0, 0 };
    size_t n = 0;
    size_t i;

    for (i = 0; i < typed.len; i++) {
        if (mcpt__digit(typed.ptr[i]) && n < 9) {
            digits[n] = typed.ptr[i];
            n += n == 3 ? 2u : 1u;
        } else if (typed.ptr[i] != ' ' && typed.ptr[i] != '-') {
            return false;
        }
    }
    return n == 9 && mcpt_same(digits, r->code, 9);
}

/* A wrong code was typed. */
static void mcpt__code_wrong(mcpt_conn *c, mcpt_pairing *p, mcpt_pairing_request *r)
{
    if (++p->wrong >= 5) {
        p->wrong = 0;
        p->locked_at = mcpt__pair_millis(p);
        p->locked_ms = (uint32_t)60000 << p->locks;
        p->locks = (uint8_t)(p->locks < 6 ? p->locks + 1 : 6);
        mcpt__note(c->server, MCPT_WARNING, MCPT_E_LIMIT, "pairing: too many wrong codes");
        mcpt__request_drop(p, r);
        mcpt__pair_page(c, MCPT__PAGE_LOCKED);
        return;
    }
    if (++r->tries >= 3) {
        mcpt__request_drop(p, r);
        mcpt__pair_page(c, MCPT__PAGE_OLD);
        return;
    }
    c->piece_n = (uint32_t)(r - p->requests);
    mcpt__pair_page(c, MCPT__PAGE_WRONG);
}

/* POST of the form: it must be of the page of this very request. */
static void mcpt__pair_answer(mcpt_conn *c, mcpt_pairing *p, mcpt_str body)
{
    mcpt_pairing_request *r = NULL;
    uint8_t form[16];
    uint8_t query[32];
    uint8_t secret[32];
    char code[44];
    mcpt__params f;
    mcpt__asked a;
    size_t n = 0;
    size_t i;
    unsigned page = mcpt__ask_client(c, p, &a);

    mcpt__requests_sweep(p);
    if (page == 0 && (!mcpt__params_read(&f, body) || !mcpt_b64_decode(f.v[MCPT__Q_FORM], true, form, 16, &n) || n != 16 ||
                      !mcpt__pair_sha(p, a.query.ptr, a.query.len, query))) {
        page = MCPT__PAGE_MALFORMED;
    }
    for (i = 0; page == 0 && i < MCPT_PAIRING_REQUESTS; i++) {
        mcpt_pairing_request *one = &p->requests[i];

        r = one->state == MCPT__PAIR_ASKED && mcpt_same(one->form, form, 16) && mcpt_same(one->query, query, 32) ? one : r;
    }
    if (page != 0 || r == NULL || mcpt__pair_locked(p)) {
        mcpt__pair_page(c, page != 0 ? page : r == NULL ? (unsigned)MCPT__PAGE_OLD : (unsigned)MCPT__PAGE_LOCKED);
        return;
    }
    if (!mcpt_str_is(f.v[MCPT__Q_ACTION], "allow")) {
        mcpt__request_drop(p, r);
        mcpt__ask_redirect(c, &a, "error=", "access_denied");
        return;
    }
    if (!mcpt__code_is(r, mcpt__param(p, f.v[MCPT__Q_CODE]))) {
        mcpt__code_wrong(c, p, r);
        return;
    }
    p->wrong = 0;
    p->locks = 0;
    code[mcpt__pair_random(p, secret, 32) ? mcpt_b64_encode(secret, 32, true, code, 43) : 0] = '\0';
    if (code[0] == '\0' || !mcpt__pair_sha(p, code, 43, r->code_hash)) {
        mcpt__pair_page(c, MCPT__PAGE_BROKEN);
        return;
    }
    p->config->show(p->config->user, NULL, mcpt__mk(NULL, 0));
    r->state = MCPT__PAIR_ISSUED;
    r->since = mcpt__pair_millis(p);
    mcpt_wipe(r->code, sizeof(r->code));
    mcpt__ask_redirect(c, &a, "code=", code);
    mcpt_wipe(secret, sizeof(secret));
    mcpt_wipe(code, sizeof(code));
}

#endif

/* >>pairing: implementation ---------------------------------------------------------------------------
 * The token and revocation endpoints, the way in from a connection, what the program calls. */
#if !MCPT_NO_PAIRING
/* -- the token endpoint. Tokens: a prefix, then base64url of the grant's row and 32 random bytes; of those of a refresh token the
 * first 16 stay the same, so that an old one is known for what it is. */
enum { MCPT__TOKEN_LEN = 50 };

static bool mcpt__token_row(mcpt_str token, const char *prefix, uint8_t raw[33])
{
    size_t n = 0;

    return token.len == MCPT__TOKEN_LEN && MCPT_MEMCMP(token.ptr, prefix, 6) == 0 &&
           mcpt_b64_decode(mcpt__mk(token.ptr + 6, 44), true, raw, 33, &n) && n == 33;
}

static void mcpt__token_text(char *text, const char *prefix, const uint8_t raw[33])
{
    MCPT_MEMCPY(text, prefix, 6);
    (void)mcpt_b64_encode(raw, 33, true, text + 6, 44);
}

/* The record that was read last, out of the way of the next: no parameter is needed any more. */
static mcpt_str mcpt__pair_keep(mcpt_pairing *p)
{
    MCPT_MEMCPY(p->text, p->rec, p->rec_len);
    return mcpt__mk(p->found ? p->text : NULL, p->rec_len);
}

/* New tokens for the grant in p->rec, which is written over old; family: the first half of its refresh tokens. Answers them, or
 * what went wrong. E_CONFLICT: the row has changed, nothing is answered. */
static mcpt_err mcpt__token_issue(mcpt_conn *c, mcpt_pairing *p, unsigned row, const uint8_t family[16], mcpt_str old)
{
    const uint32_t ttl = p->config->access_s != 0 ? p->config->access_s : 3600u;
    int64_t now = mcpt__pair_now(p);
    char access[MCPT__TOKEN_LEN];
    char refresh[MCPT__TOKEN_LEN];
    uint8_t raw[33];
    uint8_t hash[3][32];
    mcpt_writer w;
    mcpt_err e = MCPT_E_RANDOM;
    bool good;

    raw[0] = (uint8_t)row;
    good = mcpt__pair_random(p, raw + 1, 32);
    mcpt__token_text(access, "mcpta_", raw);
    MCPT_MEMCPY(raw + 1, family, 16);
    good = good && mcpt__pair_random(p, raw + 17, 16);
    mcpt__token_text(refresh, "mcptr_", raw);
    if (good && mcpt__pair_sha(p, access, MCPT__TOKEN_LEN, hash[0]) && mcpt__pair_sha(p, refresh, MCPT__TOKEN_LEN, hash[1]) &&
        mcpt__pair_sha(p, family, 16, hash[2])) {
        mcpt__pair_evict(p, p->rec + MCPT__G_ACCESS);
        MCPT_MEMCPY(p->rec + MCPT__G_ACCESS, hash, sizeof(hash));
        mcpt__num_put(p->rec + MCPT__G_LAST, (uint64_t)now, 8);
        mcpt__num_put(p->rec + MCPT__G_UNTIL, (uint64_t)(now < 0 ? 0 : now + (int64_t)ttl), 8);
        mcpt__num_put(p->rec + MCPT__G_BOOT, mcpt__pair_boot(p), 4);
        mcpt__num_put(p->rec + MCPT__G_MILLIS, mcpt__pair_millis(p), 4);
        e = mcpt__pair_write(p, 'g', row, old, mcpt__mk(p->rec, p->rec_len));
    }
    if (e == MCPT_OK) {
        mcpt_str scopes = mcpt__pair_tail(p, MCPT__G_NAME);

        mcpt__pair_open(c, &w);
        mcpt_kv_str(&w, "access_token", mcpt__mk(access, sizeof(access)));
        mcpt_kv_z(&w, "token_type", "Bearer");
        mcpt_kv_int(&w, "expires_in", (int64_t)ttl);
        mcpt_kv_str(&w, "refresh_token", mcpt__mk(refresh, sizeof(refresh)));
        mcpt_kv_str(&w, "scope", scopes);
        mcpt__pair_close(c, &w, 200);
    } else if (e != MCPT_E_CONFLICT) {
        mcpt__pair_broken(c, e);
    }
    mcpt_wipe(access, sizeof(access));
    mcpt_wipe(refresh, sizeof(refresh));
    mcpt_wipe(raw, sizeof(raw));
    return e;
}

/* The grant that a token of either kind belongs to: its row, in p->rec. refresh: *old tells that it was replaced. */
static mcpt_err mcpt__token_find(mcpt_pairing *p, mcpt_str token, uint8_t raw[33], bool refresh, bool *old)
{
    uint8_t hash[32];
    mcpt_err e;

    *old = false;
    if (!mcpt__token_row(token, refresh ? "mcptr_" : "mcpta_", raw)) {
        return MCPT_E_ABSENT;
    }
    e = mcpt__pair_read(p, 'g', raw[0]);
    if (e != MCPT_OK) {
        return e;
    }
    if (!mcpt__pair_sha(p, token.ptr, token.len, hash)) {
        return MCPT_E_CRYPTO;
    }
    if (mcpt_same(hash, p->rec + (refresh ? MCPT__G_REFRESH : MCPT__G_ACCESS), 32)) {
        return MCPT_OK;
    }
    *old = refresh && mcpt__pair_sha(p, raw + 1, 16, hash) && mcpt_same(hash, p->rec + MCPT__G_FAMILY, 32);
    return *old ? MCPT_OK : MCPT_E_ABSENT;
}

/* The name of its client and the scopes of a request, as the record of a new grant; *old: the one that gives way. E_ABSENT: the
 * client is gone; E_CONFLICT: the row is another client's. */
static mcpt_err mcpt__grant_make(mcpt_pairing *p, const mcpt_pairing_request *r, unsigned row, mcpt_str *old)
{
    mcpt_err e = mcpt__pair_read(p, 'g', row);
    char name[MCPT__PAIR_NAME];
    mcpt_str s;
    size_t at = MCPT__G_TEXT;
    size_t i;

    if (e != MCPT_OK && e != MCPT_E_ABSENT) {
        return e;
    }
    if (e == MCPT_OK && MCPT_MEMCMP(p->rec + MCPT__G_CLIENT, r->client, 9) != 0 && !mcpt__pair_stale(p)) {
        return MCPT_E_CONFLICT;
    }
    if (e == MCPT_OK) {
        mcpt__pair_evict(p, p->rec + MCPT__G_ACCESS);
    }
    *old = mcpt__pair_keep(p);
    e = mcpt__pair_client(p, r->client);
    if (e != MCPT_OK) {
        return e;
    }
    s = mcpt__pair_name(p, MCPT__C_NAME);
    MCPT_MEMCPY(name, s.ptr, s.len);
    MCPT_MEMSET(p->rec, 0, MCPT__G_TEXT);
    p->rec[0] = 1;
    MCPT_MEMCPY(p->rec + MCPT__G_CLIENT, r->client, 9);
    mcpt__num_put(p->rec + MCPT__G_MADE, (uint64_t)mcpt__pair_now(p), 8);
    p->rec[MCPT__G_NAME] = (char)(unsigned char)s.len;
    MCPT_MEMCPY(p->rec + at, name, s.len);
    at += s.len;
    for (i = 0; i < p->config->nscopes; i++) {
        size_t n = MCPT_STRLEN(p->config->scopes[i].scope);

        if ((r->scopes >> i & 1u) != 0) {
            if (at != MCPT__G_TEXT + s.len) {
                p->rec[at++] = ' ';
            }
            MCPT_MEMCPY(p->rec + at, p->config->scopes[i].scope, n);
            at += n;
        }
    }
    p->rec_len = at;
    return MCPT_OK;
}

/* The second use of a code ends what the first began (RFC 6749 section 4.1.2). */
static void mcpt__code_replayed(mcpt_pairing *p, const mcpt_pairing_request *r)
{
    uint8_t hash[32];
    unsigned i;

    for (i = 0; i < mcpt__pair_rows(p, 'g') && mcpt__pair_sha(p, r->family, 16, hash); i++) {
        if (mcpt__pair_read(p, 'g', i) == MCPT_OK && mcpt_same(hash, p->rec + MCPT__G_FAMILY, 32)) {
            (void)mcpt__pair_end(p, i);
        }
    }
}

/* RFC 7636 section 4.6. */
static bool mcpt__verifier_ok(const mcpt_pairing *p, mcpt_str v, const uint8_t challenge[32])
{
    uint8_t hash[32];
    size_t i;

    for (i = 0; i < v.len; i++) {
        if (!mcpt__alpha(v.ptr[i]) && !mcpt__digit(v.ptr[i]) && MCPT_MEMCHR("-._~", v.ptr[i], 4) == NULL) {
            return false;
        }
    }
    return v.len >= 43 && v.len <= 128 && mcpt__pair_sha(p, v.ptr, v.len, hash) && mcpt_same(hash, challenge, 32);
}

/* grant_type=authorization_code. A code is gone after the first attempt, whatever comes of it. */
static void mcpt__token_code(mcpt_conn *c, mcpt_pairing *p, const mcpt__params *f, const uint8_t client[9])
{
    mcpt_str code = mcpt__param(p, f->v[MCPT__Q_CODE]);
    mcpt_str redirect = mcpt__param(p, f->v[MCPT__Q_REDIRECT]);
    mcpt_str verifier = mcpt__param(p, f->v[MCPT__Q_VERIFIER]);
    mcpt_pairing_request *r = NULL;
    uint8_t hash[32];
    size_t i;
    mcpt_err e = MCPT_E_CONFLICT;

    for (i = 0; i < MCPT_PAIRING_REQUESTS && code.len == 43 && mcpt__pair_sha(p, code.ptr, code.len, hash); i++) {
        mcpt_pairing_request *one = &p->requests[i];

        r = one->state >= MCPT__PAIR_ISSUED && mcpt_same(one->code_hash, hash, 32) ? one : r;
    }
    if (r != NULL && r->state == MCPT__PAIR_USED) {
        mcpt__note(c->server, MCPT_WARNING, MCPT_E_UNAUTHORIZED, "pairing: a code was used twice, its tokens are revoked");
        mcpt__code_replayed(p, r);
        mcpt__request_drop(p, r);
        r = NULL;
    }
    if (r == NULL || MCPT_MEMCMP(r->client, client, 9) != 0 || redirect.ptr == NULL ||
        !mcpt__pair_sha(p, redirect.ptr, redirect.len, hash) || !mcpt_same(hash, r->redirect, 32) ||
        !mcpt__verifier_ok(p, verifier, r->challenge)) {
        if (r != NULL) {
            mcpt__request_drop(p, r);
        }
        mcpt__pair_error(c, 400, "invalid_grant", "the code is not valid, or not for this request");
        return;
    }
    r->state = MCPT__PAIR_USED;
    if (!mcpt__pair_random(p, r->family, 16)) {
        mcpt__pair_broken(c, MCPT_E_RANDOM);
        return;
    }
    for (i = 0; i < MCPT__PAIR_TRIES && e == MCPT_E_CONFLICT; i++) {
        int row = mcpt__pair_room(p, client);
        mcpt_str given;

        e = row < 0 ? MCPT_E_FULL : mcpt__grant_make(p, r, (unsigned)row, &given);
        if (e == MCPT_OK) {
            e = mcpt__token_issue(c, p, (unsigned)row, r->family, given);
        } else if (e != MCPT_E_CONFLICT) {
            mcpt__pair_broken(c, e);
        }
    }
    if (e == MCPT_E_CONFLICT) {
        mcpt__pair_broken(c, e);
    }
}

/* grant_type=refresh_token: rotation, and an old one ends the family (RFC 9700 section 4.14.2). E_CONFLICT: another process was at
 * the same grant, nothing is answered. */
static mcpt_err mcpt__token_refresh(mcpt_conn *c, mcpt_pairing *p, const mcpt__params *f, const uint8_t client[9])
{
    mcpt_str scope = mcpt__param(p, f->v[MCPT__Q_SCOPE]);
    uint8_t raw[33];
    bool old = false;
    mcpt_err e = mcpt__token_find(p, mcpt__param(p, f->v[MCPT__Q_REFRESH]), raw, true, &old);

    if (e == MCPT_OK && (old || mcpt__pair_stale(p))) {
        if (old) {
            mcpt__note(c->server, MCPT_WARNING, MCPT_E_UNAUTHORIZED, "pairing: a refresh token was used twice, its tokens are revoked");
        }
        e = mcpt__pair_end(p, raw[0]);
        e = e == MCPT_OK ? MCPT_E_ABSENT : e;
    }
    if (e == MCPT_E_ABSENT || (e == MCPT_OK && MCPT_MEMCMP(p->rec + MCPT__G_CLIENT, client, 9) != 0)) {
        mcpt__pair_error(c, 400, "invalid_grant", "the refresh token is not valid");
        return e;
    }
    if (e != MCPT_OK) {
        mcpt__pair_broken(c, e);
        return MCPT_OK;
    }
    if (!mcpt__words_in(scope, mcpt__pair_tail(p, MCPT__G_NAME))) {
        mcpt__pair_error(c, 400, "invalid_scope", "more than was granted");
        return e;
    }
    e = mcpt__token_issue(c, p, raw[0], raw + 1, mcpt__pair_keep(p));
    mcpt_wipe(raw, sizeof(raw));
    return e;
}

static void mcpt__pair_token(mcpt_conn *c, mcpt_pairing *p, const mcpt__params *f)
{
    mcpt_str grant = mcpt__param(p, f->v[MCPT__Q_GRANT]);
    mcpt_str resource = mcpt__param(p, f->v[MCPT__Q_RESOURCE]);
    mcpt_str url;
    uint8_t client[9];
    unsigned tries = MCPT__PAIR_TRIES;
    mcpt_err e = mcpt__pair_who(p, f->v[MCPT__Q_CLIENT], client, &url) ? mcpt__pair_client(p, client) : MCPT_E_ABSENT;

    if (e != MCPT_OK) {
        if (e == MCPT_E_ABSENT) {
            mcpt__pair_error(c, 401, "invalid_client", "register first");
        } else {
            mcpt__pair_broken(c, e);
        }
    } else if (f->v[MCPT__Q_RESOURCE].ptr != NULL && (resource.ptr == NULL || !mcpt__pair_resource(c, resource))) {
        mcpt__pair_error(c, 400, "invalid_target", "the resource is another one");
    } else if (mcpt_str_is(grant, "authorization_code")) {
        mcpt__token_code(c, p, f, client);
    } else if (mcpt_str_is(grant, "refresh_token")) {
        do {
            p->text_len = 0;
            e = mcpt__token_refresh(c, p, f, client);
        } while (e == MCPT_E_CONFLICT && --tries != 0);
        if (e == MCPT_E_CONFLICT) {
            mcpt__pair_broken(c, e);
        }
    } else {
        mcpt__pair_error(c, 400, grant.ptr != NULL ? "unsupported_grant_type" : "invalid_request", "grant_type");
    }
}

/* RFC 7009: either token ends the grant; a token that is none is revoked already. */
static void mcpt__pair_revoke(mcpt_conn *c, mcpt_pairing *p, const mcpt__params *f)
{
    mcpt_str token = mcpt__param(p, f->v[MCPT__Q_TOKEN]);
    mcpt_str url;
    uint8_t client[9];
    uint8_t raw[33];
    bool old;
    mcpt_err e;

    if (token.ptr == NULL || (f->v[MCPT__Q_CLIENT].ptr != NULL && !mcpt__pair_who(p, f->v[MCPT__Q_CLIENT], client, &url))) {
        mcpt__pair_error(c, 400, token.ptr == NULL ? "invalid_request" : "invalid_client", "token, client_id");
        return;
    }
    e = mcpt__token_find(p, token, raw, true, &old);
    e = e == MCPT_E_ABSENT ? mcpt__token_find(p, token, raw, false, &old) : e;
    if (e == MCPT_OK && f->v[MCPT__Q_CLIENT].ptr != NULL && MCPT_MEMCMP(p->rec + MCPT__G_CLIENT, client, 9) != 0) {
        mcpt__pair_error(c, 400, "invalid_client", "the token is another client's");
        return;
    }
    e = e == MCPT_OK ? mcpt__pair_end(p, raw[0]) : e;
    if (e != MCPT_OK && e != MCPT_E_ABSENT) {
        mcpt__pair_broken(c, e);
        return;
    }
    mcpt__answer_lines(c, 200, "Cache-Control: no-store\r\n", MCPT__PAIR_CORS, 0);
    c->io.state = MCPT__X_DONE;
}

/* -- requests */
enum { MCPT__PAIRING = 2 };           /* in the place of a status: GET of the authorization endpoint */

/* https, or this machine itself. */
static bool mcpt__pair_secure(const mcpt_conn *c)
{
    char base[MCPT_MAX_URL + 1];
    mcpt_url u;

    return mcpt_url_split(mcpt__mk(base, mcpt__base_url(c, base)), &u) && (mcpt_str_ieq(u.scheme, "https") || mcpt__loopback(u.host));
}

/* What a head is refused for; 0: its body is read. */
static uint16_t mcpt__pair_head(mcpt_conn *c, mcpt_str method, mcpt_str type, mcpt_str coding, bool origin)
{
    bool page = c->route == MCPT__ROUTE_AUTHORIZE;

    c->allow = page ? "GET, POST" : "POST, OPTIONS";
    if (!mcpt__pair_secure(c)) {
        return 403;
    }
    if (page && mcpt_str_is(method, "GET")) {
#if !MCPT_NO_EXCHANGE
        return mcpt__client_pending(c, c->server->guard->pairing) && mcpt__verify_wait(c) ? (uint16_t)MCPT__VERIFYING : (uint16_t)MCPT__PAIRING;
#else
        return MCPT__PAIRING;
#endif
    }
    if (!page && mcpt_str_is(method, "OPTIONS")) {
        return 204;
    }
    if (!mcpt_str_is(method, "POST")) {
        return 405;
    }
    if (page && !origin) {
        return 403;                   /* the form of another site */
    }
    return (coding.ptr == NULL || mcpt_str_ieq(coding, "identity")) &&
           mcpt_str_ieq(mcpt__media_type(type), c->route == MCPT__ROUTE_REGISTER ? "application/json" : "application/x-www-form-urlencoded") ? 0 : 415;
}

static void mcpt__pair_post(mcpt_conn *c, mcpt_str body)
{
    mcpt_pairing *p = c->server->guard->pairing;
    mcpt__params f;

    p->text_len = 0;
    if (c->route == MCPT__ROUTE_REGISTER) {
        mcpt__pair_register(c, p, body);
    } else if (c->route == MCPT__ROUTE_AUTHORIZE) {
        mcpt__pair_answer(c, p, body);
    } else if (!mcpt__params_read(&f, body)) {
        mcpt__pair_error(c, 400, "invalid_request", "a parameter comes twice");
    } else {
        mcpt__requests_sweep(p);
        (c->route == MCPT__ROUTE_TOKEN ? mcpt__pair_token : mcpt__pair_revoke)(c, p, &f);
    }
    mcpt_wipe(p->text, sizeof(p->text));
}

static const mcpt_pairing_face mcpt__pair_face = { mcpt__pair_head, mcpt__pair_get, mcpt__pair_post, mcpt__put_page };

/* -- for the program */
MCPT_API mcpt_err mcpt_pairing_init(mcpt_pairing *p, const mcpt_pairing_config *config, const mcpt_env *env, struct mcpt_hub *hub)
{
    size_t names = 0;
    size_t i;

    MCPT_MEMSET(p, 0, sizeof(*p));
    if (config->store == NULL || config->show == NULL || env->millis == NULL || env->random == NULL) {
        return config->store == NULL || config->show == NULL || env->millis == NULL ? MCPT_E_ARG : MCPT_E_RANDOM;
    }
    for (i = 0; i < config->nscopes; i++) {
        names += MCPT_STRLEN(config->scopes[i].scope) + 1;
    }
    if (config->nscopes > 32 || names > 200) {
        return MCPT_E_LIMIT;
    }
    if (env->crypto == NULL || env->crypto->sha256 == NULL) {
        return MCPT_E_CRYPTO;
    }
    p->face = &mcpt__pair_face;
    p->config = config;
    p->env = env;
    p->hub = hub;
    p->register_at = env->millis(env->user);
    return env->random(env->user, &p->boot, sizeof(p->boot)) ? MCPT_OK : MCPT_E_RANDOM;
}

MCPT_API mcpt_err mcpt_pairing_verify(void *pairing, const mcpt_token *token, mcpt_principal *who)
{
    mcpt_pairing *p = (mcpt_pairing *)pairing;
    int64_t now = mcpt__pair_now(p);
    int64_t until;
    uint8_t raw[33];
    bool old;
    mcpt_err e = mcpt__token_find(p, token->text, raw, false, &old);

    if (e != MCPT_OK) {
        return e == MCPT_E_ABSENT ? MCPT_E_UNAUTHORIZED : e;
    }
    until = (int64_t)mcpt__num_get(p->rec + MCPT__G_UNTIL, 8);
    if (now >= 0 && until != 0 ? now >= until :
        mcpt__num_get(p->rec + MCPT__G_BOOT, 4) != mcpt__pair_boot(p) || mcpt__pair_millis(p) - (uint32_t)mcpt__num_get(p->rec + MCPT__G_MILLIS, 4) >=
        (uint64_t)(p->config->access_s != 0 ? p->config->access_s : 3600u) * 1000u) {
        return MCPT_E_UNAUTHORIZED;
    }
    who->client_id = mcpt__mk(p->text, mcpt_b64_encode(p->rec + MCPT__G_CLIENT, 9, true, p->text, 12));
    who->subject = mcpt_z("owner");   /* who stood at the device: sessions outlive a step up to more scopes */
    who->scopes = mcpt__pair_tail(p, MCPT__G_NAME);
    who->expires = until;
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_pairing_list(mcpt_pairing *p, bool (*each)(void *user, const mcpt_paired *one), void *user)
{
    mcpt_paired one;

    for (one.id = 0; one.id < mcpt__pair_rows(p, 'g'); one.id++) {
        mcpt_err e = mcpt__pair_read(p, 'g', one.id);

        if (e != MCPT_OK && e != MCPT_E_ABSENT) {
            return e;
        }
        if (e == MCPT_E_ABSENT) {
            continue;
        }
        one.client = mcpt__pair_name(p, MCPT__G_NAME);
        one.scopes = mcpt__pair_tail(p, MCPT__G_NAME);
        one.created = (int64_t)mcpt__num_get(p->rec + MCPT__G_MADE, 8);
        one.used = (int64_t)mcpt__num_get(p->rec + MCPT__G_LAST, 8);
        if (!each(user, &one)) {
            break;
        }
    }
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_pairing_revoke(mcpt_pairing *p, unsigned id)
{
    mcpt_err e = mcpt__pair_read(p, 'g', id);

    return e == MCPT_OK ? mcpt__pair_end(p, id) : e;
}

MCPT_API mcpt_err mcpt_pairing_reset(mcpt_pairing *p)
{
    mcpt_err e = MCPT_OK;
    char key[8];
    unsigned row;
    size_t i;

    for (i = 0; i < MCPT_PAIRING_REQUESTS; i++) {
        mcpt__request_drop(p, &p->requests[i]);
        p->documents[i].ttl_ms = 0;
    }
    for (row = 0; row < 512; row++) { /* rows of an earlier configuration too */
        mcpt_err one;

        mcpt__pair_key(key, row < 256 ? 'g' : 'c', row & 255u);
        one = p->config->store->erase(p->config->store->user, key);
        e = e == MCPT_OK ? one : e;
    }
    if (p->hub != NULL) {
        mcpt_guard_forget(p->hub, mcpt__mk(NULL, 0));
    }
    return e;
}
#endif /* !MCPT_NO_PAIRING */

/* >>server: implementation --------------------------------------------------------------------------------- */
enum {                                                                     /* mcpt_call.part: what was written so far */
    MCPT__P_OPEN = 1, MCPT__P_LIST = 2, MCPT__P_LISTED = 4, MCPT__P_STRUCT = 8, MCPT__P_FAIL = 16, MCPT__P_ERROR = 32,
    MCPT__P_ASK = 64, MCPT__P_MESSAGE = 128
};
enum { MCPT__KIND_COMPLETION = MCPT_KIND_PROMPT + 1 };
#ifndef MCPT_MAX_STATE
#define MCPT_MAX_STATE 320            /* bytes inside a requestState: 25, and the answers of earlier rounds */
#endif
#ifndef MCPT_MAX_NAME
#define MCPT_MAX_NAME 128             /* longest tool or prompt name or URI that has JSON escapes in it */
#endif

static mcpt_call *mcpt__call(const mcpt_writer *out)
{
    return (mcpt_call *)out->user;
}

static bool mcpt__modern(const mcpt_job *j)
{
    return MCPT_NO_LEGACY || j->revision == MCPT_2026_07_28;
}

static bool mcpt__job_task(const mcpt_job *j)
{
    return !MCPT_NO_TASKS && (j->flags & MCPT__J_TASK) != 0;
}

static bool mcpt__is_task(const mcpt_call *k)
{
    return !MCPT_NO_TASKS && k->task;
}

static bool mcpt__is_prompt(const mcpt_call *k)
{
    return !MCPT_NO_PROMPTS && k->kind == MCPT_KIND_PROMPT;
}

static bool mcpt__is_completion(const mcpt_call *k)
{
    return !MCPT_NO_COMPLETION && k->kind == MCPT__KIND_COMPLETION;
}

/* -- what this server offers, on this hub */
static unsigned mcpt__offers(const mcpt_server *s, const mcpt_hub *hub, bool modern)
{
    unsigned o = s->offers & (MCPT_NO_COMPLETION ? 23u : 31u);

    if (MCPT_NO_LISTEN || hub == NULL || (modern ? hub->mem.nlisteners : hub->mem.nsessions) == 0) {
        o &= ~(unsigned)(MCPT_OFFER_LIST_CHANGED | MCPT_OFFER_SUBSCRIBE);
    }
    if (MCPT_NO_TASKS || !modern || hub == NULL || hub->mem.nslots == 0) {
        o &= ~(unsigned)MCPT_OFFER_TASKS;
    }
    if (modern && (o & (MCPT_OFFER_LIST_CHANGED | MCPT_OFFER_SUBSCRIBE)) != 0) {
        o |= MCPT__F_LISTEN;
    }
    o |= modern ? MCPT__F_MODERN : MCPT__F_LEGACY;
    if (s->ntools != 0) {
        o |= MCPT__F_TOOLS;
    }
    if (!MCPT_NO_RESOURCES && s->nresources != 0) {
        o |= MCPT__F_RESOURCES;
    }
    if (!MCPT_NO_PROMPTS && s->nprompts != 0) {
        o |= MCPT__F_PROMPTS;
    }
    return o;
}

/* -- members of table rows: key with its quotes, and how and from where the value is taken */
enum { MCPT__V_TEXT, MCPT__V_JSON, MCPT__V_SCHEMA, MCPT__V_SIZE, MCPT__V_TRUE, MCPT__V_HINTS, MCPT__V_ARGS };
typedef struct mcpt__member {
    const char *key;                  /* NULL: the end */
    uint8_t how, at;
} mcpt__member;
#define MCPT__TEXT(type, member, key) { ",\"" key "\":\"", MCPT__V_TEXT, (uint8_t)offsetof(type, member) }
#define MCPT__JSON(type, member, key) { ",\"" key "\":", MCPT__V_JSON, (uint8_t)offsetof(type, member) }
#define MCPT__NAMES(type) MCPT__TEXT(type, name, "name"), MCPT__TEXT(type, title, "title"), \
    MCPT__TEXT(type, description, "description")
#define MCPT__LAST { NULL, 0, 0 }

static const mcpt__member mcpt__info_members[] = {
    MCPT__TEXT(mcpt_server, name, "name"), MCPT__TEXT(mcpt_server, version, "version"), MCPT__TEXT(mcpt_server, title, "title"),
    MCPT__TEXT(mcpt_server, description, "description"), MCPT__TEXT(mcpt_server, website, "websiteUrl"),
    MCPT__JSON(mcpt_server, icons, "icons"), MCPT__LAST
};
static const mcpt__member mcpt__tool_members[] = {
    MCPT__NAMES(mcpt_tool), { ",\"inputSchema\":", MCPT__V_SCHEMA, (uint8_t)offsetof(mcpt_tool, input_schema) },
    MCPT__JSON(mcpt_tool, output_schema, "outputSchema"), { ",\"annotations\":{", MCPT__V_HINTS, (uint8_t)offsetof(mcpt_tool, flags) },
    MCPT__JSON(mcpt_tool, icons, "icons"), MCPT__JSON(mcpt_tool, meta, "_meta"), MCPT__LAST
};
#if !MCPT_NO_RESOURCES
static const mcpt__member mcpt__resource_members[] = {
    MCPT__NAMES(mcpt_resource), MCPT__TEXT(mcpt_resource, mime, "mimeType"),
    { "size", MCPT__V_SIZE, (uint8_t)offsetof(mcpt_resource, size) }, MCPT__JSON(mcpt_resource, annotations, "annotations"),
    MCPT__JSON(mcpt_resource, icons, "icons"), MCPT__JSON(mcpt_resource, meta, "_meta"), MCPT__LAST
};
#endif
#if !MCPT_NO_PROMPTS
static const mcpt__member mcpt__prompt_members[] = {
    MCPT__NAMES(mcpt_prompt), { ",\"arguments\":[", MCPT__V_ARGS, (uint8_t)offsetof(mcpt_prompt, args) },
    MCPT__JSON(mcpt_prompt, icons, "icons"), MCPT__JSON(mcpt_prompt, meta, "_meta"), MCPT__LAST
};
static const mcpt__member mcpt__arg_members[] = {
    MCPT__NAMES(mcpt_prompt_arg), { ",\"required\":true", MCPT__V_TRUE, (uint8_t)offsetof(mcpt_prompt_arg, required) }, MCPT__LAST
};
#endif

static const void *mcpt__ptr_at(const void *row, size_t at)
{
    const void *p;

    MCPT_MEMCPY(&p, (const char *)row + at, sizeof(p));
    return p;
}

/* What tools/list tells and arguments are checked against. */
static const char *mcpt__schema_of(const char *schema)
{
    return schema != NULL ? schema : "{\"type\":\"object\",\"additionalProperties\":false}";
}

static void mcpt__put_hints(mcpt_writer *w, const char *key, unsigned flags)
{
    static const char hints[] = ",\"readOnlyHint\":true\0" ",\"destructiveHint\":false\0" ",\"idempotentHint\":true\0"
        ",\"openWorldHint\":false";
    unsigned i;

    if ((flags & 15) != 0) {
        mcpt__frag(w, key, 1);
        for (i = 0; i < 4; i++) {
            if ((flags >> i & 1) != 0) {
                mcpt__frag(w, mcpt__nth(hints, i), 0);
            }
        }
        mcpt_end(w);
    }
}

/* The members of a row that are there, except those that consist of rows themselves. */
static void mcpt__put_member(mcpt_writer *w, const mcpt__member *m, const void *row)
{
    const char *p = (const char *)row + m->at;

    if (m->how == MCPT__V_HINTS) {
        uint32_t flags;

        MCPT_MEMCPY(&flags, p, sizeof(flags));
        mcpt__put_hints(w, m->key, flags);
    } else if (m->how == MCPT__V_TRUE) {
        if (*p != 0) {
            mcpt__frag(w, m->key, 0);
        }
    } else if (m->how == MCPT__V_SIZE) {
        size_t n;

        MCPT_MEMCPY(&n, p, sizeof(n));
        if (mcpt__ptr_at(row, offsetof(mcpt_resource, data)) != NULL) {
            mcpt_kv_int(w, m->key, (int64_t)n);
        }
    } else {
        const char *text = (const char *)mcpt__ptr_at(row, m->at);

        if (m->how == MCPT__V_TEXT) {
            mcpt__frag_z(w, m->key, text);
        } else if (m->how == MCPT__V_SCHEMA || text != NULL) {
            mcpt__frag_raw(w, m->key, mcpt_z(mcpt__schema_of(text)));
        }
    }
}

static void mcpt__put_members(mcpt_writer *w, const mcpt__member *m, const void *row)
{
    for (; m->key != NULL; m++) {
#if !MCPT_NO_PROMPTS
        if (m->how == MCPT__V_ARGS) {
            const mcpt_prompt *p = (const mcpt_prompt *)row;
            const mcpt__member *a;
            size_t i;

            if (p->nargs != 0) {
                mcpt__frag(w, m->key, 1);
                for (i = 0; i < p->nargs; i++) {
                    mcpt_obj(w);
                    for (a = mcpt__arg_members; a->key != NULL; a++) {
                        mcpt__put_member(w, a, &p->args[i]);
                    }
                    mcpt_end(w);
                }
                mcpt_end(w);
            }
            continue;
        }
#endif
        if (m->how <= MCPT__V_JSON && mcpt__ptr_at(row, m->at) == NULL) {
            continue;
        }
        mcpt__put_member(w, m, row);
    }
    mcpt_end(w);
}

static void mcpt__put_capabilities(mcpt_writer *w, unsigned offers)
{
    static const char names[] = "tools\0resources\0prompts\0completions\0logging";
    static const uint8_t bits[] = { MCPT__F_TOOLS, MCPT__F_RESOURCES, MCPT__F_PROMPTS, MCPT_OFFER_COMPLETIONS, MCPT_OFFER_LOGGING };
    unsigned i;

    mcpt__kv_obj(w, "capabilities");
    for (i = 0; i < 5; i++) {
        if ((offers & bits[i]) != 0) {
            mcpt_key(w, mcpt__nth(names, i));
            mcpt_obj(w);
            if (i == 1 && (offers & MCPT_OFFER_SUBSCRIBE) != 0) {
                mcpt__frag(w, ",\"subscribe\":true", 0);
            }
            if (i < 3 && (offers & MCPT_OFFER_LIST_CHANGED) != 0) {
                mcpt__frag(w, ",\"listChanged\":true", 0);
            }
            mcpt_end(w);
        }
    }
    if ((offers & MCPT_OFFER_TASKS) != 0) {
        mcpt__frag(w, ",\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}", 0);
    }
    mcpt_end(w);
}

/* -- the frame around a result */
#define MCPT__RESULT(type) ",\"result\":{\"resultType\":\"" type "\""
#define MCPT__DONE MCPT__RESULT("complete")

static void mcpt__result_begin(mcpt_writer *w, const mcpt_job *j, const char *type)
{
    mcpt__frag(w, ",{\"jsonrpc\":\"2.0\",\"id\":", 1);
    mcpt__w_bytes(w, j->id.ptr, j->id.len);
    mcpt__frag(w, mcpt__modern(j) ? type : ",\"result\":{", 1);
}

static void mcpt__put_caching(mcpt_writer *w, const mcpt_server *s)
{
    mcpt_kv_int(w, "ttlMs", (int64_t)s->ttl_ms);
    mcpt__kv_z(w, "cacheScope", s->cache_public ? "public" : "private");
}

/* Ends the result; in the modern era it says who answers. */
static void mcpt__result_end(mcpt_writer *w, const mcpt_server *s, const mcpt_job *j)
{
    if (mcpt__modern(j)) {
        mcpt__frag(w, ",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{", 2);
        mcpt__put_members(w, mcpt__info_members, s);
        mcpt_end(w);
    }
    mcpt_end(w);
    if (!mcpt__job_task(j)) {         /* a task keeps the result object alone */
        mcpt_end(w);
    }
}

static void mcpt__notification(mcpt_writer *w, const char *method)
{
    mcpt__frag(w, ",{\"jsonrpc\":\"2.0\"", 1);
    mcpt__kv_z(w, "method", method);
    mcpt__kv_obj(w, "params");
}

/* -- errors */
static void mcpt__put_versions(mcpt_writer *w, const char *key)
{
    mcpt__frag(w, key, 1);
    mcpt_put_z(w, mcpt__nth(mcpt__revisions, MCPT_2026_07_28 - 1));
    mcpt_end(w);
}

/* The object requiredCapabilities of error -32021. */
static void mcpt__put_needed(mcpt_writer *w, unsigned need)
{
    mcpt__frag(w, ",\"data\":{\"requiredCapabilities\":{", 2);
    if ((need & (MCPT_CAN_FORM | MCPT_CAN_URL)) != 0) {
        mcpt__frag(w, (need & MCPT_CAN_URL) != 0 ? ",\"elicitation\":{\"url\":{}}" : ",\"elicitation\":{}", 0);
    }
    if ((need & MCPT_CAN_SAMPLE) != 0) {
        mcpt__frag(w, ",\"sampling\":{}", 0);
    }
    if ((need & MCPT_CAN_ROOTS) != 0) {
        mcpt__frag(w, ",\"roots\":{}", 0);
    }
    if ((need & MCPT_CAN_TASKS) != 0) {
        mcpt__frag(w, ",\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}", 0);
    }
    mcpt_end(w);
    mcpt_end(w);
}

static void mcpt__w_restart(mcpt_writer *w)
{
    void *user = w->user;

    mcpt_w_init(w, w->buf, w->cap);
    w->user = user;
}

/* A whole error message for a job, or without an id (j NULL); a task keeps the error object alone. data: with the
 * member data where the code, or the method, asks for one. */
static void mcpt__put_error(mcpt_writer *w, const mcpt_job *j, int code, const char *message, bool data)
{
    bool task = j != NULL && mcpt__job_task(j);

    mcpt__w_restart(w);
    if (task) {
        mcpt_obj(w);
    } else {
        mcpt__frag(w, ",{\"jsonrpc\":\"2.0\"", 1);
        if (j != NULL && j->id.len != 0) {    /* an id that could not be read is left out, never null */
            mcpt__kv_raw(w, "id", j->id);
        }
        mcpt__kv_obj(w, "error");
    }
    mcpt_kv_int(w, "code", code);
    mcpt__kv_z(w, "message", message);
    if (data && !(MCPT_NO_ASK && MCPT_NO_TASKS) && code == MCPT__MISSING_CAPABILITY) {
        mcpt__put_needed(w, j->need);
    } else if (data && code == MCPT__BAD_VERSION) {
        mcpt__kv_obj(w, "data");
        mcpt__put_versions(w, ",\"supported\":[");
        if (j->name.len <= 66) {
            mcpt__kv_raw(w, "requested", j->name);
        }
        mcpt_end(w);
    }
#if !MCPT_NO_RESOURCES
    else if (data && j != NULL && j->method == MCPT__RESOURCES_READ && j->name.len != 0) {
        mcpt__kv_obj(w, "data");
        mcpt__kv_raw(w, "uri", j->name);
        mcpt_end(w);
    }
#endif
    mcpt_end(w);
    if (!task) {
        mcpt_end(w);
    }
}

/* The same as long as there is room for it: without data, then without the message. */
static void mcpt__put_fault(mcpt_writer *w, const mcpt_job *j, int code, const char *message)
{
    int i;

    for (i = 0; i == 0 || (i < 3 && w->err < 0); i++) {
        mcpt__put_error(w, j, code, i < 2 ? message : "", i == 0);
    }
}

/* -- result verbs */
static void mcpt__stick(mcpt_writer *w, mcpt_err e)
{
    if (w->err >= 0) {
        w->err = e;
    }
}

static bool mcpt__in_pieces(const mcpt_call *k)
{
    return k->conn != NULL && (k->conn->flags & MCPT__C_PIECES) != 0;
}

static void mcpt__open(mcpt_writer *w, const char *type)
{
    mcpt_call *k = mcpt__call(w);

    if ((k->part & MCPT__P_OPEN) != 0) {
        return;
    }
    if (w->total != 0) {
        mcpt__stick(w, MCPT_E_STATE); /* a handler wrote without a verb */
    }
    k->part |= MCPT__P_OPEN;
    if (mcpt__is_task(k)) {           /* asks without a result */
        mcpt__frag(w, ",{\"resultType\":\"complete\"", 1);
        k->base = 1;
        return;
    }
    mcpt__result_begin(w, k->job, type);
    k->base = 2;
}

/* The message around a block of mcpt_content(): the handler has ended only the block. */
static void mcpt__message_close(const mcpt_call *k, mcpt_writer *w)
{
    if (mcpt__is_prompt(k) && (k->part & (MCPT__P_LIST | MCPT__P_MESSAGE)) == MCPT__P_LIST && w->depth == k->base + 2u) {
        mcpt_end(w);
    }
}

static bool mcpt__is_read(const mcpt_writer *w)
{
    uint8_t kind = mcpt__call(w)->kind;

    return !MCPT_NO_RESOURCES && (kind == MCPT_KIND_RESOURCE || kind == MCPT_KIND_TEMPLATE);
}

/* Opens the array that this kind of result consists of. */
static void mcpt__list_open(mcpt_writer *w)
{
    mcpt_call *k = mcpt__call(w);

    mcpt__message_close(k, w);
    if ((k->part & (MCPT__P_LISTED | MCPT__P_ERROR | MCPT__P_ASK)) != 0) {
        mcpt__stick(w, MCPT_E_STATE);
    }
    if ((k->part & MCPT__P_LIST) != 0) {
        return;
    }
    mcpt__open(w, MCPT__DONE);
    if (w->err >= 0 && w->depth != k->base) {
        mcpt__stick(w, MCPT_E_STATE); /* structured content is still open */
    }
    k->part |= MCPT__P_LIST;
    if (mcpt__is_completion(k)) {
        mcpt__frag(w, ",\"completion\":{\"values\":[", 2);
    } else {
        mcpt__frag(w, mcpt__is_prompt(k) ? ",\"messages\":[" : mcpt__is_read(w) ? ",\"contents\":[" : ",\"content\":[", 1);
    }
}

/* The member of a text that comes in parts. */
#define mcpt__str_open(w, key) (mcpt__frag((w), ",\"" key "\":\"", 0), (w)->flags |= MCPT_W_STRING)

/* Begins a content block of this type (NULL: the caller writes its members), with what must stand around it. */
static void mcpt__block_begin(mcpt_writer *w, const char *type)
{
    mcpt_call *k = mcpt__call(w);

    if (mcpt__is_prompt(k)) {
        if ((k->part & MCPT__P_MESSAGE) == 0) {
            mcpt_message(w, "user");
        }
        mcpt__kv_obj(w, "content");
    } else {
        mcpt__list_open(w);
        mcpt_obj(w);
    }
    mcpt__kv_z(w, "type", type);
}

static void mcpt__block_end(mcpt_writer *w)
{
    mcpt_call *k = mcpt__call(w);

    mcpt_end(w);
    if (mcpt__is_prompt(k)) {
        mcpt_end(w);
        k->part = (uint8_t)(k->part & ~MCPT__P_MESSAGE);
    }
}

/* The members uri and mimeType of resource contents; an entry of contents[] or inside an embedded resource. */
static void mcpt__contents_begin(mcpt_writer *w, mcpt_str uri, const char *mime)
{
    if (mcpt__is_read(w)) {
        mcpt__list_open(w);
        mcpt_obj(w);
    } else {
        mcpt__block_begin(w, "resource");
        mcpt__kv_obj(w, "resource");
    }
    mcpt_kv_str(w, "uri", uri);
    mcpt__kv_z(w, "mimeType", mime);
}

static void mcpt__contents_end(mcpt_writer *w)
{
    mcpt_end(w);
    if (!mcpt__is_read(w)) {
        mcpt__block_end(w);
    }
}

static const char *mcpt__row_mime(const mcpt_writer *w)
{
    const mcpt_resource *r = (const mcpt_resource *)mcpt__call(w)->row;

    return r->mime;
}

MCPT_API void mcpt_text_begin(mcpt_writer *out)
{
    if (mcpt__call(out)->kind == MCPT_KIND_TOOL) {
        mcpt__list_open(out);
        mcpt__frag(out, ",{\"type\":\"text\",\"text\":\"", 1);
        out->flags |= MCPT_W_STRING;
        return;
    }
    if (mcpt__is_read(out)) {
        mcpt__contents_begin(out, mcpt__call(out)->uri, mcpt__row_mime(out));
    } else {
        mcpt__block_begin(out, "text");
    }
    mcpt__str_open(out, "text");
}

MCPT_API void mcpt_text_end(mcpt_writer *out)
{
    mcpt_str_end(out);
    if (mcpt__is_read(out)) {
        mcpt__contents_end(out);
    } else {
        mcpt__block_end(out);
    }
}

MCPT_API void mcpt_text(mcpt_writer *out, mcpt_str text)
{
    mcpt_text_begin(out);
    mcpt_str_add(out, text);
    mcpt_text_end(out);
}

MCPT_API void mcpt_text_z(mcpt_writer *out, const char *text)
{
    mcpt_text(out, mcpt_z(text));
}

static void mcpt__put_data(mcpt_writer *w, const char *key, const void *data, size_t len)
{
    mcpt_key(w, key);
    mcpt_put_b64(w, data, len);
}

static void mcpt__media(mcpt_writer *out, const char *type, const char *mime, const void *data, size_t len)
{
    mcpt__block_begin(out, type);
    mcpt__put_data(out, "data", data, len);
    mcpt__kv_z(out, "mimeType", mime);
    mcpt__block_end(out);
}

MCPT_API void mcpt_image(mcpt_writer *out, const char *mime, const void *data, size_t len)
{
    mcpt__media(out, "image", mime, data, len);
}

MCPT_API void mcpt_audio(mcpt_writer *out, const char *mime, const void *data, size_t len)
{
    mcpt__media(out, "audio", mime, data, len);
}

MCPT_API void mcpt_embedded_text(mcpt_writer *out, mcpt_str uri, const char *mime, mcpt_str text)
{
    mcpt__contents_begin(out, uri, mime);
    mcpt_kv_str(out, "text", text);
    mcpt__contents_end(out);
}

MCPT_API void mcpt_embedded_blob(mcpt_writer *out, mcpt_str uri, const char *mime, const void *data, size_t len)
{
    mcpt__contents_begin(out, uri, mime);
    mcpt__put_data(out, "blob", data, len);
    mcpt__contents_end(out);
}

MCPT_API void mcpt_blob(mcpt_writer *out, const void *data, size_t len)
{
    if (!mcpt__is_read(out)) {
        mcpt__stick(out, MCPT_E_STATE);
        return;
    }
    mcpt_embedded_blob(out, mcpt__call(out)->uri, mcpt__row_mime(out), data, len);
}

MCPT_API void mcpt_resource_link(mcpt_writer *out, const char *uri, const char *name, const char *mime)
{
    if (mcpt__call(out)->revision == MCPT_2025_03_26) {
        mcpt_text_z(out, uri);        /* links came with 2025-06-18 */
        return;
    }
    mcpt__block_begin(out, "resource_link");
    mcpt__kv_z(out, "uri", uri);
    mcpt__kv_z(out, "name", name);
    mcpt__kv_z(out, "mimeType", mime);
    mcpt__block_end(out);
}

MCPT_API void mcpt_content(mcpt_writer *out)
{
    mcpt_call *k = mcpt__call(out);

    mcpt__block_begin(out, NULL);
    k->part = (uint8_t)(k->part & ~MCPT__P_MESSAGE);
}

MCPT_API void mcpt_structured(mcpt_writer *out)
{
    mcpt_call *k = mcpt__call(out);

    if (k->kind != MCPT_KIND_TOOL || (k->part & (MCPT__P_STRUCT | MCPT__P_ERROR | MCPT__P_ASK)) != 0) {
        mcpt__stick(out, MCPT_E_STATE);
        return;
    }
    mcpt__open(out, MCPT__DONE);
    if ((k->part & MCPT__P_LIST) != 0) {
        mcpt_end(out);
        k->part = (uint8_t)((k->part & ~MCPT__P_LIST) | MCPT__P_LISTED);
    }
    k->part |= MCPT__P_STRUCT;
    mcpt__kv_obj(out, "structuredContent");
    k->mark = (uint32_t)out->len - 1;
}

MCPT_API void mcpt_message(mcpt_writer *out, const char *role)
{
    mcpt_call *k = mcpt__call(out);

    if (!mcpt__is_prompt(k) || (k->part & MCPT__P_MESSAGE) != 0) {
        mcpt__stick(out, MCPT_E_STATE);
        return;
    }
    mcpt__list_open(out);
    mcpt_obj(out);
    mcpt__kv_z(out, "role", role);
    k->part |= MCPT__P_MESSAGE;
}

MCPT_API void mcpt_prompt_description(mcpt_writer *out, const char *text)
{
    mcpt_call *k = mcpt__call(out);

    if (!mcpt__is_prompt(k) || (k->part & (MCPT__P_OPEN | MCPT__P_ASK)) != 0) {
        mcpt__stick(out, MCPT_E_STATE);
        return;
    }
    mcpt__open(out, MCPT__DONE);
    mcpt__kv_z(out, "description", text);
}

MCPT_API void mcpt_completion(mcpt_writer *out, mcpt_str value)
{
    mcpt_call *k = mcpt__call(out);

    if (!mcpt__is_completion(k)) {
        mcpt__stick(out, MCPT_E_STATE);
        return;
    }
    mcpt__list_open(out);
    if (k->count++ < 100) {
        mcpt_put_str(out, value);
    }
}

MCPT_API mcpt_err mcpt_fail_str(mcpt_writer *out, mcpt_str message)
{
    mcpt_call *k = mcpt__call(out);

    if (k->kind != MCPT_KIND_TOOL) {
        return mcpt_error(out, MCPT__INTERNAL, "the request failed");
    }
    if (!mcpt__in_pieces(k)) {        /* else it is one block more */
        mcpt__w_restart(out);
        k->part = 0;
    }
    mcpt_text(out, message);
    k->part |= MCPT__P_FAIL;
    return MCPT_OK;
}

MCPT_API mcpt_err mcpt_fail(mcpt_writer *out, const char *message)
{
    return mcpt_fail_str(out, mcpt_z(message));
}

MCPT_API mcpt_err mcpt_error(mcpt_writer *out, int code, const char *message)
{
    mcpt_call *k = mcpt__call(out);

    if (mcpt__in_pieces(k)) {
        mcpt__stick(out, MCPT_E_STATE);    /* a result is on its way */
    } else {
        k->part = MCPT__P_ERROR;
        mcpt__put_error(out, k->job, code, message, false);
    }
    return MCPT_E_RPC;
}

/* Completes what a handler has written to a whole result. */
static void mcpt__result_close(mcpt_call *k, mcpt_writer *w)
{
    uint32_t end = (uint32_t)w->len;

    mcpt__open(w, MCPT__DONE);
    if ((k->part & (MCPT__P_LIST | MCPT__P_LISTED)) == 0) {
        mcpt__list_open(w);
        if ((k->part & MCPT__P_STRUCT) != 0 && w->err >= 0 && !mcpt__in_pieces(k)) {
            mcpt_text(w, mcpt__mk(w->buf + k->mark, end - k->mark));
        }
    }
    mcpt__message_close(k, w);
    if ((k->part & MCPT__P_LIST) != 0) {
        mcpt_end(w);
    }
    if (mcpt__is_completion(k)) {
        mcpt_kv_int(w, "total", (int64_t)k->count);
        mcpt_kv_bool(w, "hasMore", k->count > 100);
        mcpt_end(w);
    }
    if (w->err >= 0 && w->depth != k->base) {
        mcpt__stick(w, MCPT_E_STATE); /* the handler left something open */
    }
    if ((k->part & MCPT__P_FAIL) != 0) {
        mcpt__frag(w, ",\"isError\":true", 0);
    }
    if (mcpt__modern(k->job) && mcpt__is_read(w)) {
        mcpt__put_caching(w, k->server);
    }
    mcpt__result_end(w, k->server, k->job);
}

/* -- look-up. Tables look alike: where in mcpt_server they stand, and where in their rows name and user are. */
typedef struct mcpt__table {
    const char *list;                 /* the member of a list's result */
    const mcpt__member *members;
    uint8_t rows, count, index, size, name, user;
} mcpt__table;
#define MCPT__TABLE(list, members, rows, count, index, type, name) { list, members, (uint8_t)offsetof(mcpt_server, rows), \
    (uint8_t)offsetof(mcpt_server, count), (uint8_t)offsetof(mcpt_server, index), (uint8_t)sizeof(type), \
    (uint8_t)offsetof(type, name), (uint8_t)offsetof(type, user) }
static const mcpt__table mcpt__tables[] = {                 /* by mcpt_kind */
    MCPT__TABLE(",\"tools\":[", mcpt__tool_members, tools, ntools, tool_index, mcpt_tool, name),
#if !MCPT_NO_RESOURCES
    MCPT__TABLE(",\"resources\":[", mcpt__resource_members, resources, nresources, resource_index, mcpt_resource, uri),
    MCPT__TABLE(",\"resourceTemplates\":[", mcpt__resource_members, resources, nresources, resource_index, mcpt_resource, uri),
#else
    MCPT__TABLE(NULL, NULL, resources, nresources, resource_index, mcpt_resource, uri),
    MCPT__TABLE(NULL, NULL, resources, nresources, resource_index, mcpt_resource, uri),
#endif
#if !MCPT_NO_PROMPTS
    MCPT__TABLE(",\"prompts\":[", mcpt__prompt_members, prompts, nprompts, prompt_index, mcpt_prompt, name)
#else
    MCPT__TABLE(NULL, NULL, prompts, nprompts, prompt_index, mcpt_prompt, name)
#endif
};

static size_t mcpt__count(const mcpt_server *s, unsigned kind)
{
    size_t n;

    MCPT_MEMCPY(&n, (const char *)s + mcpt__tables[kind].count, sizeof(n));
    return n;
}

static const char *mcpt__row(const mcpt_server *s, unsigned kind, size_t i)
{
    return (const char *)mcpt__ptr_at(s, mcpt__tables[kind].rows) + i * mcpt__tables[kind].size;
}

static const char *mcpt__row_name(const mcpt_server *s, unsigned kind, size_t i)
{
    return (const char *)mcpt__ptr_at(mcpt__row(s, kind, i), mcpt__tables[kind].name);
}

static bool mcpt__contains(const char *text, const char *part)
{
    size_t n = MCPT_STRLEN(part);
    size_t len = MCPT_STRLEN(text);
    const char *end = text + len;

    while ((size_t)(end - text) >= n) {
        text = (const char *)MCPT_MEMCHR(text, part[0], (size_t)(end - text) - n + 1);
        if (text == NULL || MCPT_MEMCMP(text, part, n) == 0) {
            return text != NULL;
        }
        text++;
    }
    return false;
}

/* Order of a wire text and a literal, by bytes. */
static int mcpt__order(mcpt_str s, const char *z)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        unsigned a = (unsigned char)s.ptr[i];
        unsigned b = (unsigned char)z[i];

        if (a != b) {
            return a < b ? -1 : 1;    /* also where z ends: its terminator is below every byte but NUL */
        }
        if (b == 0) {
            return 1;                 /* s has a NUL where z ends */
        }
    }
    return z[s.len] == '\0' ? 0 : -1;
}

static MCPT__APART bool mcpt__visible(const mcpt_server *s, unsigned kind, size_t row, const mcpt_principal *who)
{
    return s->visible == NULL || s->visible(s->user, (mcpt_kind)kind, row, who);
}

/* The row with this name, or -1: by halving where the rows are in order, else one by one. */
static int mcpt__find(const mcpt_server *s, unsigned kind, mcpt_str name)
{
    const uint16_t *index = (const uint16_t *)mcpt__ptr_at(s, mcpt__tables[kind].index);
    size_t lo = 0;
    size_t hi = mcpt__count(s, kind);
    bool halving = index != NULL || s->sorted;

    while (lo < hi) {
        size_t mid = halving ? lo + (hi - lo) / 2 : lo;
        size_t row = index != NULL ? index[mid] : mid;
        int order = mcpt__order(name, mcpt__row_name(s, kind, row));

        if (order == 0) {
            return (int)row;
        }
        if (order < 0 && halving) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return -1;
}

static void mcpt__index_sort(uint16_t *index, const void *rows, size_t n, unsigned kind)
{
    const mcpt__table *t = &mcpt__tables[kind];
    size_t gap;
    size_t i;

    for (i = 0; i < n; i++) {
        index[i] = (uint16_t)i;
    }
    for (gap = n / 2; gap > 0; gap /= 2) {
        for (i = gap; i < n; i++) {
            uint16_t row = index[i];
            mcpt_str name = mcpt_z((const char *)mcpt__ptr_at(rows, (size_t)row * t->size + t->name));
            size_t k = i;

            while (k >= gap && mcpt__order(name, (const char *)mcpt__ptr_at(rows, (size_t)index[k - gap] * t->size + t->name)) < 0) {
                index[k] = index[k - gap];
                k -= gap;
            }
            index[k] = row;
        }
    }
}

MCPT_API void mcpt_index_tools(uint16_t *index, const mcpt_tool *tools, size_t n)
{
    mcpt__index_sort(index, tools, n, MCPT_KIND_TOOL);
}

MCPT_API void mcpt_index_resources(uint16_t *index, const mcpt_resource *resources, size_t n)
{
    mcpt__index_sort(index, resources, n, MCPT_KIND_RESOURCE);
}

MCPT_API void mcpt_index_prompts(uint16_t *index, const mcpt_prompt *prompts, size_t n)
{
    mcpt__index_sort(index, prompts, n, MCPT_KIND_PROMPT);
}

/* >>lists: implementation ---------------------------------------------------------------------------------
 * Answers that the library writes itself: they consist of fragments, and the state between two windows of any size
 * is the number of the fragment and an offset in it. So every list fits every transmit buffer. */
enum {                                                                     /* mcpt_conn.generator */
    MCPT__G_NONE, MCPT__G_GREETING, MCPT__G_STATIC, MCPT__G_LIST           /* and the mcpt_kind */
};
static bool mcpt__is_static(const mcpt_conn *c)
{
    return !MCPT_NO_RESOURCES && c->generator == MCPT__G_STATIC;
}

enum { MCPT__BLOCK = 48 };            /* source bytes of static content in one fragment; a multiple of 3 */

static bool mcpt__is_template(const mcpt_resource *r)
{
    return MCPT_MEMCHR(r->uri, '{', MCPT_STRLEN(r->uri)) != NULL;
}

static uint32_t mcpt__rows(const mcpt_conn *c, const mcpt_job *j)
{
    if (c->generator >= MCPT__G_LIST) {
        return (uint32_t)mcpt__count(c->server, c->generator - MCPT__G_LIST + 0u);
    }
    return mcpt__is_static(c) ? (uint32_t)((((const mcpt_resource *)j->row)->size + MCPT__BLOCK - 1) / MCPT__BLOCK) : 0;
}

static bool mcpt__listed(const mcpt_server *s, unsigned kind, const mcpt_job *j, size_t row)
{
    return (MCPT_NO_RESOURCES || kind == MCPT_KIND_TOOL || kind == MCPT_KIND_PROMPT ||
            mcpt__is_template(&s->resources[row]) == (kind == MCPT_KIND_TEMPLATE)) && mcpt__visible(s, kind, row, j->who);
}

/* The first row to list at or after row; the number of rows when there is none. */
static uint32_t mcpt__next_row(const mcpt_conn *c, const mcpt_job *j, uint32_t row)
{
    uint32_t n = mcpt__rows(c, j);

    while (row < n && c->generator >= MCPT__G_LIST && !mcpt__listed(c->server, c->generator - MCPT__G_LIST + 0u, j, row)) {
        row++;
    }
    return row;
}

/* One block of static content. Text blocks begin and end between characters. */
static void mcpt__put_block(mcpt_writer *w, const mcpt_resource *r, size_t block)
{
    const char *p = (const char *)r->data;
    size_t from = block * MCPT__BLOCK;
    size_t to = from + MCPT__BLOCK < r->size ? from + MCPT__BLOCK : r->size;
    char text[MCPT__BLOCK / 3 * 4];

    if ((r->flags & MCPT_BINARY) != 0) {
        mcpt__w_bytes(w, text, mcpt_b64_encode(p + from, to - from, false, text, sizeof(text)));
        return;
    }
    while (from > 0 && from < r->size && ((unsigned char)p[from] & 0xc0) == 0x80) {
        from++;
    }
    while (to < r->size && ((unsigned char)p[to] & 0xc0) == 0x80) {
        to++;
    }
    mcpt__w_escape(w, p + from, from < to ? to - from : 0);
}

static void mcpt__put_row(mcpt_conn *c, mcpt_job *j, mcpt_writer *w)
{
    unsigned kind = c->generator - MCPT__G_LIST + 0u;
    const char *row;

    if (mcpt__is_static(c)) {
        mcpt__put_block(w, (const mcpt_resource *)j->row, c->piece);
        return;
    }
    if (c->piece_n != 0) {
        mcpt__w_bytes(w, ",", 1);
    }
    row = mcpt__row(c->server, kind, c->piece);
    mcpt_obj(w);
    if (!MCPT_NO_RESOURCES && (kind == MCPT_KIND_RESOURCE || kind == MCPT_KIND_TEMPLATE)) {
        mcpt__frag_z(w, kind == MCPT_KIND_TEMPLATE ? ",\"uriTemplate\":\"" : ",\"uri\":\"", ((const mcpt_resource *)row)->uri);
    }
    mcpt__put_members(w, mcpt__tables[kind].members, row);
}

/* Everything before the rows. For server/discover and initialize that is all. */
static void mcpt__put_prefix(mcpt_conn *c, mcpt_job *j, mcpt_writer *w)
{
    const mcpt_server *s = c->server;
    bool modern = mcpt__modern(j);

    mcpt__result_begin(w, j, MCPT__DONE);
    if (c->generator >= MCPT__G_LIST) {
        mcpt__frag(w, mcpt__tables[c->generator - MCPT__G_LIST].list, 1);
    } else if (mcpt__is_static(c)) {
        const mcpt_resource *r = (const mcpt_resource *)j->row;

        mcpt__kv_arr(w, "contents");
        mcpt_obj(w);
        mcpt__kv_z(w, "uri", r->uri);
        mcpt__kv_z(w, "mimeType", r->mime);
        mcpt__frag(w, (r->flags & MCPT_BINARY) != 0 ? ",\"blob\":\"" : ",\"text\":\"", 0);
    } else {
        if (modern) {
            mcpt__put_versions(w, ",\"supportedVersions\":[");
        } else {
            mcpt__kv_z(w, "protocolVersion", mcpt__nth(mcpt__revisions, j->revision - 1u));
        }
        mcpt__put_capabilities(w, mcpt__offers(s, c->hub, modern));
        if (!modern) {
            mcpt__kv_obj(w, "serverInfo");
            mcpt__put_members(w, mcpt__info_members, s);
        }
        mcpt__kv_z(w, "instructions", s->instructions);
        if (modern) {
            mcpt__put_caching(w, s);
        }
        mcpt__result_end(w, s, j);
    }
}

/* Everything behind the rows, by a writer that is told what the prefix has opened. */
static void mcpt__put_suffix(mcpt_conn *c, mcpt_job *j, mcpt_writer *w)
{
    uint32_t next;

    w->comma = 15;
    if (mcpt__is_static(c)) {
        w->kind = 13;                 /* {"result":{"contents":[{ */
        w->depth = 4;
        mcpt__w_bytes(w, "\"", 1);
        mcpt_end(w);
        mcpt_end(w);
    } else {
        w->kind = 6;                  /* {"result":{"tools":[ */
        w->depth = 3;
        next = mcpt__next_row(c, j, c->piece);
        mcpt_end(w);
        if (next < mcpt__rows(c, j)) {
            char digits[12];

            mcpt_kv_str(w, "nextCursor", mcpt__mk(digits, (size_t)(mcpt__cat_dec(digits, next) - digits)));
        }
    }
    if (mcpt__modern(j)) {
        mcpt__put_caching(w, c->server);
    }
    mcpt__result_end(w, c->server, j);
}

/* Writes fragments until the window is full (MORE) or the answer complete (OK). */
static mcpt_err mcpt__generate(mcpt_conn *c, mcpt_job *j, mcpt_writer *w)
{
    for (;;) {
        mcpt_writer f;
        size_t room = w->cap - w->len;
        size_t made;

        mcpt_w_init(&f, w->buf + w->len, room);
        f.flags |= MCPT_W_WINDOW;
        f.skip = c->piece_at;
        if (c->stage == 0) {
            mcpt__put_prefix(c, j, &f);
        } else if (c->stage == 1) {
            mcpt__put_row(c, j, &f);
        } else {
            mcpt__put_suffix(c, j, &f);
        }
        if (f.err < 0) {
            return f.err;
        }
        made = f.total - c->piece_at;
        if (made > room) {
            w->len = w->cap;
            c->piece_at += (uint32_t)room;
            return MCPT_MORE;
        }
        w->len += made;
        c->piece_at = 0;
        if (c->stage == 2 || c->generator == MCPT__G_GREETING) {
            return MCPT_OK;
        }
        c->piece += c->stage;
        c->piece_n += c->stage;
        c->piece = mcpt__next_row(c, j, c->piece);
        c->stage = c->piece < mcpt__rows(c, j) &&
                   (mcpt__is_static(c) || c->server->page == 0 || c->piece_n < c->server->page) ? 1 : 2;
    }
}

/* -- URI templates: {name} stands for a run without '/', {+name} for any run (RFC 6570) */
#if !MCPT_NO_RESOURCES
/* Does uri go on at i with the n bytes of t? */
static bool mcpt__goes_on(mcpt_str uri, size_t i, const char *t, size_t n)
{
    return uri.len - i >= n && MCPT_MEMCMP(uri.ptr + i, t, n) == 0;
}

/* Does uri fit the template? With want not NULL, *value becomes what its variable stands for: {name} ends at the first
 * place where the text behind it follows, {+name} at the last. */
static bool mcpt__template_fits(const char *t, mcpt_str uri, mcpt_str want, mcpt_str *value)
{
    size_t i = 0;

    while (*t != '\0') {
        if (*t != '{') {
            if (i >= uri.len || uri.ptr[i] != *t) {
                return false;
            }
            i++;
            t++;
        } else {
            bool any = t[1] == '+';
            const char *name = t + (any ? 2 : 1);
            size_t from = i;
            size_t n = 0;
            size_t rest = 0;          /* bytes of text up to the next variable */

            while (name[n] != '\0' && name[n] != '}') {
                n++;
            }
            if (name[n] == '\0') {
                return false;
            }
            t = name + n + 1;
            while (t[rest] != '\0' && t[rest] != '{') {
                rest++;
            }
            if (any) {
                for (i = uri.len; i > from && !mcpt__goes_on(uri, i, t, rest); i--) { }
            } else {
                while (i < uri.len && uri.ptr[i] != '/' && (rest == 0 || !mcpt__goes_on(uri, i, t, rest))) {
                    i++;
                }
            }
            if (i == from) {
                return false;
            }
            if (value != NULL && n == want.len && MCPT_MEMCMP(name, want.ptr, n) == 0) {
                *value = mcpt__mk(uri.ptr + from, i - from);
            }
        }
    }
    return i == uri.len;
}

MCPT_API mcpt_err mcpt_uri_var(const mcpt_call *call, const char *name, char *buf, size_t cap, mcpt_str *out)
{
    mcpt_str raw = mcpt__mk(NULL, 0);

    if (call->kind != MCPT_KIND_TEMPLATE ||
        !mcpt__template_fits(((const mcpt_resource *)call->row)->uri, call->uri, mcpt_z(name), &raw) || raw.ptr == NULL) {
        return MCPT_E_ABSENT;
    }
    if (!mcpt_percent_decode(raw, buf, cap, &out->len)) {
        return raw.len > cap ? MCPT_E_SPACE : MCPT_E_PARAMS;
    }
    out->ptr = buf;
    return MCPT_OK;
}

/* The resource row that answers uri: the one with this very URI, else the first template it fits; or -1. */
static int mcpt__find_resource(const mcpt_server *s, mcpt_str uri, const mcpt_principal *who)
{
    int row = mcpt__find(s, MCPT_KIND_RESOURCE, uri);
    size_t i;

    if (row >= 0 && !mcpt__is_template(&s->resources[row])) {
        return mcpt__visible(s, MCPT_KIND_RESOURCE, (size_t)row, who) ? row : -1;
    }
    for (i = 0; i < s->nresources; i++) {
        if (mcpt__is_template(&s->resources[i]) && mcpt__visible(s, MCPT_KIND_TEMPLATE, i, who) &&
            mcpt__template_fits(s->resources[i].uri, uri, mcpt__mk(NULL, 0), NULL)) {
            return (int)i;
        }
    }
    return -1;
}
#endif

/* >>ask: implementation -----------------------------------------------------------------------------------
 * Questions to the client. A modern answer comes with the repeated request; a legacy answer comes as a JSON-RPC
 * response whose id names the job and the question; a task's answer comes through tasks/update. All of them end up in
 * the job's tail as one JSON object, the answers so far, which is what a repeated run of the handler reads. */

/* Appends "key": raw to the job's answers. False: no room. */
static bool mcpt__past_add(mcpt_job *j, mcpt_str key, mcpt_str raw)
{
    mcpt_writer w;
    uint32_t at = j->past != 0 ? j->past - 1 : 0;          /* the closing brace is overwritten */

    if (j->tail_cap - j->tail_len < 8 || at > j->tail_cap) {
        return false;
    }
    mcpt_w_init(&w, j->tail + at, j->tail_cap - at);
    mcpt__w_bytes(&w, j->past != 0 ? "," : "{", 1);
    mcpt__w_bytes(&w, "\"", 1);
    mcpt__w_escape(&w, key.ptr, key.len);
    mcpt__w_bytes(&w, "\":", 2);
    mcpt__w_bytes(&w, raw.ptr, raw.len);
    mcpt__w_bytes(&w, "}", 1);
    if (w.err < 0) {
        if (j->past != 0) {
            j->tail[at] = '}';
        }
        return false;
    }
    j->past = at + (uint32_t)w.len;
    j->tail_len = j->past;
    return true;
}

#if !MCPT_NO_ASK
/* -- requestState: version, expiry, scratch and the answers so far, signed together with what they belong to */
enum { MCPT__STATE_HEAD = 9 + MCPT_SCRATCH };

static bool mcpt__state_sign(mcpt_job *j, const mcpt_server *s, const mcpt_hub *hub, mcpt_str payload, uint8_t mac[32])
{
    const mcpt_crypto *x = s->env->crypto;
    const void *key = s->state_key != NULL ? s->state_key : hub != NULL && hub->has_key != 0 ? hub->state_key : NULL;
    mcpt_str parts[13];
    char lens[11][4];
    size_t i;

    if (x == NULL || x->hmac_sha256 == NULL || key == NULL) {
        return false;
    }
    parts[0] = payload;
    parts[2] = mcpt_z(mcpt__nth(mcpt__methods, j->method));
    parts[4] = j->name;
    parts[6] = j->args;
    parts[8] = parts[10] = parts[12] = mcpt__mk(NULL, 0);
    if (j->who != NULL) {
        parts[8] = j->who->subject;
        parts[10] = j->who->client_id;
        parts[12] = j->who->issuer;
    }
    for (i = 1; i < 13; i += 2) {     /* lengths between the parts, so that no two contexts look alike */
        uint32_t n = (uint32_t)parts[i - 1].len;

        lens[i / 2][0] = (char)(n >> 24);
        lens[i / 2][1] = (char)(n >> 16);
        lens[i / 2][2] = (char)(n >> 8);
        lens[i / 2][3] = (char)n;
        parts[i] = mcpt__mk(lens[i / 2], 4);
    }
    return x->hmac_sha256(x->user, key, 32, parts, 13, mac);
}

/* The time that expiry is measured in: Unix seconds, or where the clock is not set, seconds since start, marked. */
static uint64_t mcpt__state_now(const mcpt_server *s)
{
    int64_t t = mcpt__wall(s->env);

    return t >= 0 ? (uint64_t)t : ((uint64_t)1 << 62) + mcpt__now(s) / 1000;
}

/* Writes the member requestState. Without a key or crypto there is none: one round of questions still works. */
static MCPT__APART void mcpt__put_state(mcpt_call *k, mcpt_writer *w)
{
    uint8_t raw[MCPT_MAX_STATE + 32];
    char text[64];
    mcpt_job *j = k->job;
    uint64_t expiry = mcpt__state_now(k->server) + (k->server->state_ttl != 0 ? k->server->state_ttl : 600);
    size_t n = MCPT__STATE_HEAD + j->past;
    size_t i;

    if (n > MCPT_MAX_STATE) {
        mcpt__stick(w, MCPT_E_LIMIT);
        return;
    }
    raw[0] = 1;
    for (i = 0; i < 8; i++) {
        raw[1 + i] = (uint8_t)(expiry >> (56 - 8 * i));
    }
    MCPT_MEMCPY(raw + 9, j->scratch, MCPT_SCRATCH);
    MCPT_MEMCPY(raw + MCPT__STATE_HEAD, j->tail, j->past);
    if (!mcpt__state_sign(j, k->server, k->hub, mcpt__mk((const char *)raw, n), raw + n)) {
        return;
    }
    mcpt__str_open(w, "requestState");
    for (i = 0; i < n + 32; i += 48) {
        size_t part = n + 32 - i < 48 ? n + 32 - i : 48;

        mcpt_str_add(w, mcpt__mk(text, mcpt_b64_encode(raw + i, part, true, text, sizeof(text))));
    }
    mcpt_str_end(w);
}

/* Restores scratch and answers from a requestState. False: not ours, not for this request, or expired. */
static MCPT__APART bool mcpt__state_take(mcpt_job *j, const mcpt_server *s, const mcpt_hub *hub, mcpt_str text)
{
    uint8_t raw[MCPT_MAX_STATE + 32];
    uint8_t mac[32];
    uint64_t expiry = 0;
    size_t n;
    size_t i;

    if (!mcpt_b64_decode(text, true, raw, sizeof(raw), &n) || n < MCPT__STATE_HEAD + 32 || raw[0] != 1) {
        return false;
    }
    n -= 32;
    if (!mcpt__state_sign(j, s, hub, mcpt__mk((const char *)raw, n), mac) || !mcpt_same(mac, raw + n, 32)) {
        return false;
    }
    for (i = 0; i < 8; i++) {
        expiry = expiry << 8 | raw[1 + i];
    }
    if (mcpt__state_now(s) >= expiry || n - MCPT__STATE_HEAD > j->tail_cap) {
        return false;
    }
    MCPT_MEMCPY(j->scratch, raw + 9, MCPT_SCRATCH);
    j->past = (uint32_t)(n - MCPT__STATE_HEAD);
    j->tail_len = j->past;
    MCPT_MEMCPY(j->tail, raw + MCPT__STATE_HEAD, j->past);
    return true;
}

/* -- asking */
static unsigned mcpt__can(const mcpt_call *k)
{
    const mcpt_job *j = k->job;

    if (mcpt__modern(j)) {
        return mcpt__caps(j->caps);
    }
    if (j->session == NULL || k->conn == NULL || (j->flags & MCPT__J_EVENTS) == 0) {
        return 0;                     /* nowhere to send a question, or nobody to match the answer to */
    }
    if (mcpt__is_lines(k->conn) && ((k->conn->flags & MCPT__C_BATCH) != 0 || (j->slot == NULL && mcpt__slot_for(k->hub, j) == NULL))) {
        return 0;                     /* while the call waits on the line itself, no answer is read from it */
    }
    return j->session->can;
}

MCPT_API unsigned mcpt_client_can(mcpt_call *call)
{
    return mcpt__can(call);
}

/* What a question is called on the wire: the job's number and the key. */
static void mcpt__put_question(mcpt_writer *w, const char *member, const mcpt_job *j, const char *key)
{
    char id[12];
    char *end = mcpt__cat(mcpt__cat_dec(id, j->ticket), ".");

    mcpt_key(w, member);
    mcpt_str_begin(w);
    mcpt_str_add(w, mcpt__mk(id, (size_t)(end - id)));
    mcpt_str_add(w, mcpt_z(key));
    mcpt_str_end(w);
}

/* Sends the question. data: what its kind (need) is about: a schema, a URL, or whole params. */
static MCPT__APART mcpt_err mcpt__question(mcpt_call *k, const char *key, unsigned need, const char *message, mcpt_str data)
{
    mcpt_job *j = k->job;
    bool modern = mcpt__modern(j);
    mcpt__event ev;
    mcpt_writer *w = modern ? k->out : &ev.w;
    mcpt_err e = MCPT_OK;

    if (k->cancelled) {
        return MCPT_E_CANCELLED;
    }
    if ((mcpt__can(k) & need) != need) {
        j->need |= (uint8_t)need;
        return MCPT_E_CAPABILITY;
    }
    if ((k->part & MCPT__P_ASK) == 0 && (k->part != 0 || k->out->total != 0)) {
        return MCPT_E_STATE;          /* an answer was begun */
    }
    if (!modern) {
        if (!mcpt__event_open(&ev, j, k->out, 0)) {
            return MCPT_E_SPACE;
        }
        mcpt_obj(w);
        mcpt__kv_z(w, "jsonrpc", "2.0");
        mcpt__put_question(w, "id", j, key);
    } else {
        if ((k->part & MCPT__P_ASK) == 0) {
            if (!mcpt__is_task(k)) {
                mcpt__open(w, MCPT__RESULT("input_required"));
                mcpt__kv_obj(w, "inputRequests");
            } else {
                mcpt_obj(w);
            }
        }
        mcpt_key(w, key);
        mcpt_obj(w);
    }
    k->part |= MCPT__P_ASK;
    mcpt__kv_z(w, "method", need < MCPT_CAN_SAMPLE ? "elicitation/create" :
                            need == MCPT_CAN_SAMPLE ? "sampling/createMessage" : "roots/list");
    if (need >= MCPT_CAN_SAMPLE) {
        mcpt__kv_raw(w, "params", data);
    } else {
        mcpt__kv_obj(w, "params");
        if (need == MCPT_CAN_URL || k->revision >= MCPT_2025_11_25) {
            mcpt__kv_z(w, "mode", need == MCPT_CAN_URL ? "url" : "form");
        }
        mcpt__kv_z(w, "message", message);
        if (need == MCPT_CAN_FORM) {
            mcpt__kv_raw(w, "requestedSchema", data);
        } else {
            mcpt_kv_str(w, "url", data);
            if (!modern) {
                mcpt__put_question(w, "elicitationId", j, key);
            }
        }
        mcpt_end(w);
    }
    if (modern) {
        mcpt_end(w);
    } else {
        e = mcpt__event_close(&ev);
    }
    j->asked++;
    return e < 0 ? e : MCPT_PENDING;
}

/* What an answer means: OK, with the part that the handler wants, E_DECLINED, or E_PARAMS: it is no answer. */
static MCPT__APART mcpt_err mcpt__judge(unsigned need, mcpt_str schema, mcpt_val v, mcpt_val *result)
{
    mcpt_val action = mcpt_get(v, "action");

    *result = v;
    if (need >= MCPT_CAN_SAMPLE) {
        return mcpt_typeof(mcpt_get(v, need == MCPT_CAN_SAMPLE ? "content" : "roots")) != MCPT_ABSENT ? MCPT_OK : MCPT_E_PARAMS;
    }
    if (!mcpt_val_is(action, "accept")) {
        return need == MCPT_CAN_URL || mcpt_val_is(action, "decline") || mcpt_val_is(action, "cancel") ? MCPT_E_DECLINED : MCPT_E_PARAMS;
    }
    if (need == MCPT_CAN_FORM) {
        *result = mcpt_get(v, "content");
        if (mcpt_typeof(*result) != MCPT_OBJECT) {
            return MCPT_E_PARAMS;
        }
#if !MCPT_NO_SCHEMA
        if (mcpt_schema_check(schema, *result, NULL, 0) != MCPT_OK) {
            return MCPT_E_PARAMS;
        }
#endif
    }
    (void)schema;
    return MCPT_OK;
}

/* The answer to a question, or the question. An answer that came with this very request is kept for later rounds; when
 * it is none, it is asked for again. */
static mcpt_err mcpt__ask(mcpt_call *k, const char *key, unsigned need, const char *message, mcpt_str data, mcpt_val *result)
{
    mcpt_val v = mcpt_get(mcpt_root(&k->past), key);
    bool fresh = mcpt_typeof(v) == MCPT_ABSENT;
    mcpt_err e = MCPT_E_PARAMS;
    mcpt_val part;

    if (fresh) {
        v = mcpt_get(mcpt_root(&k->responses), key);
    }
    if (mcpt_typeof(v) == MCPT_OBJECT) {
        e = mcpt__judge(need, data, v, &part);
    }
    if (e == MCPT_E_PARAMS) {
        return fresh ? mcpt__question(k, key, need, message, data) : e;
    }
    if (e == MCPT_OK && result != NULL) {
        *result = part;
    }
    return fresh && !mcpt__past_add(k->job, mcpt_z(key), mcpt_raw(v)) ? MCPT_E_LIMIT : e;
}

MCPT_API mcpt_err mcpt_ask_form(mcpt_call *call, const char *key, const char *message, const char *schema, mcpt_val *content)
{
    return mcpt__ask(call, key, MCPT_CAN_FORM, message, mcpt_z(schema), content);
}

MCPT_API mcpt_err mcpt_ask_url(mcpt_call *call, const char *key, const char *message, mcpt_str url)
{
    return mcpt__ask(call, key, MCPT_CAN_URL, message, url, NULL);
}

MCPT_API mcpt_err mcpt_ask_sampling(mcpt_call *call, const char *key, mcpt_str params, mcpt_val *result)
{
    return mcpt__ask(call, key, MCPT_CAN_SAMPLE, NULL, params, result);
}

MCPT_API mcpt_err mcpt_ask_roots(mcpt_call *call, const char *key, mcpt_val *result)
{
    return mcpt__ask(call, key, MCPT_CAN_ROOTS, NULL, mcpt_z("{}"), result);
}
#endif

/* >>run: implementation -----------------------------------------------------------------------------------
 * One run of a handler, and what its answer means: an answer, a question, a suspension, a task. */

/* Log lines and the like: with MCPT_NO_STRERROR the code alone must do. */
#if MCPT_NO_STRERROR
#define MCPT__SAY(text) "error"
#else
#define MCPT__SAY(text) (text)
#endif

/* Answers a fault. status counts as long as nothing was sent. j: whose id it carries, or NULL. */
static void mcpt__refuse(mcpt_conn *c, const mcpt_job *j, int n)
{
    mcpt__fault f;

    if ((c->flags & MCPT__C_PIECES) != 0) {
        c->io.state = MCPT__X_CLOSED;    /* in the middle of another answer */
        return;
    }
#if !MCPT_NO_GUARD
    if (c->io.mode == MCPT__M_NONE && (c->refusal != MCPT__DENY_NONE || n == MCPT__E_SCOPE)) {
        c->refusal = c->refusal != MCPT__DENY_NONE ? c->refusal : (uint8_t)MCPT__DENY_SCOPE;
        mcpt__deny(c);
        return;
    }
#endif
    if (n >= 404 && n <= 406) {       /* nothing that speaks JSON-RPC here */
        mcpt__answer_empty(c, (uint16_t)n);
        return;
    }
    f = mcpt__fault_of(n);
    c->status = c->io.mode == MCPT__M_NONE ? f.status : c->status;
    mcpt__msg_open(c, &c->w);
    mcpt__put_fault(&c->w, j, f.code, f.text);
    if (mcpt__answer_close(c) != 0) {
        c->io.state = MCPT__X_CLOSED;    /* behind events that were not read yet there may be no room */
    }
}

static void mcpt__job_end(mcpt_hub *hub, mcpt_job *j)
{
    mcpt_conn *c = j->conn;

    if (c != NULL && c->work == j) {
        c->work = NULL;
    }
    mcpt__job_unlink(hub, j);
    j->state = MCPT__J_IDLE;
    j->conn = NULL;
    if (j->slot != NULL && (j->flags & MCPT__J_TASK) == 0) {
        mcpt__slot_free(hub, j->slot);
    }
}

static void mcpt__job_wake(mcpt_hub *hub, mcpt_job *j, const mcpt_server *s)
{
    j->flags |= MCPT__J_WOKEN;
    if (j->conn != NULL) {
        mcpt__ready(hub, j->conn);
    } else {
        mcpt__job_alarm(hub, j, mcpt__now(s));
    }
}

static mcpt_err mcpt__invoke(mcpt_call *k, mcpt_writer *w);

/* Runs the handler a last time, for cleaning up: nothing it writes is sent. */
static void mcpt__run_last(mcpt_call *k)
{
    uint8_t part = k->part;
    mcpt_writer w;

    mcpt_w_init(&w, NULL, 0);
    w.user = k;
    k->out = &w;
    k->cancelled = true;
    k->part = MCPT__P_ASK;            /* questions are over */
    (void)mcpt__invoke(k, &w);
    k->part = part;
}

#if !MCPT_NO_TASKS
static int64_t mcpt__unix(const mcpt_server *s)
{
    int64_t t = mcpt__wall(s->env);

    return t >= 0 ? t : (int64_t)(mcpt__now(s) / 1000);    /* without a clock: seconds since start */
}

/* A time stamp in ISO 8601. */
static MCPT__APART void mcpt__kv_time(mcpt_writer *w, const char *key, int64_t unix_seconds)
{
    uint32_t t = (uint32_t)unix_seconds;                    /* until 2106, with the one year among them that does not leap */
    uint32_t day = t / 86400;
    uint32_t parts[6] = { 1970, 0, 0, t / 3600 % 24, t / 60 % 60, t % 60 };
    char text[32];
    char *at = text;
    unsigned leap;
    uint32_t n;
    int i;

    for (;; parts[0]++) {
        leap = parts[0] % 4 == 0 && parts[0] != 2100 ? 1u : 0u;
        if (day < 365 + leap) {
            break;
        }
        day -= 365 + leap;
    }
    for (;; parts[1]++) {             /* from January, 0; a bit a month tells the long ones */
        n = parts[1] == 1 ? 28 + leap : 30 + (0xad5u >> parts[1] & 1u);
        if (day < n) {
            break;
        }
        day -= n;
    }
    parts[1]++;
    parts[2] = day + 1;
    for (i = 0; i < 6; i++) {
        at = mcpt__cat_num(at, parts[i], 10, 2);
        *at++ = "--T::Z"[i];
    }
    mcpt_kv_str(w, key, mcpt__mk(text, (size_t)(at - text)));
}

static void mcpt__put_task(mcpt_writer *w, const mcpt_slot *s)
{
    mcpt__kv_z(w, "taskId", s->id);
    mcpt__kv_z(w, "status", mcpt__nth("working\0input_required\0completed\0failed\0cancelled", s->status - 1u));
    mcpt__kv_z(w, "statusMessage", s->message);
    mcpt__kv_time(w, "createdAt", s->created);
    mcpt__kv_time(w, "lastUpdatedAt", s->updated);
    if (s->ttl_ms != 0) {
        mcpt_kv_int(w, "ttlMs", (int64_t)s->ttl_ms);
    } else {
        mcpt__frag(w, ",\"ttlMs\":null", 0);
    }
    mcpt_kv_int(w, "pollIntervalMs", (int64_t)(s->poll_ms != 0 ? s->poll_ms : 1000));
}

/* Tells listeners of the task (subscribed under its id behind a control character no URI has). */
static void mcpt__task_changed(mcpt_hub *hub, mcpt_slot *s, uint8_t status)
{
    char name[34];

    s->status = status;
    s->updated = mcpt__unix(hub->server);
    name[0] = '\1';
    MCPT_MEMCPY(name + 1, s->id, sizeof(s->id));
#if !MCPT_NO_LISTEN
    mcpt__publish(hub, 0, mcpt_z(name));
#endif
}

MCPT_API mcpt_err mcpt_task(mcpt_call *call, bool required, uint32_t ttl_ms, uint32_t poll_ms)
{
    mcpt_job *j = call->job;

    if (call->task) {
        return MCPT_OK;
    }
    if (mcpt__in_pieces(call)) {
        return required ? MCPT_E_STATE : MCPT_OK;    /* the answer is on its way */
    }
    if ((mcpt__offers(call->server, call->hub, mcpt__modern(j)) & MCPT_OFFER_TASKS) == 0 ||
        (mcpt__caps(j->caps) & MCPT_CAN_TASKS) == 0) {
        j->need |= MCPT_CAN_TASKS;
        return required ? MCPT_E_CAPABILITY : MCPT_OK;
    }
    if (mcpt__slot_for(call->hub, j) == NULL) {      /* mcpt__park must succeed afterwards */
        return required ? MCPT_E_LIMIT : MCPT_OK;
    }
    j->flags |= MCPT__J_BECOME;
    call->ttl_ms = ttl_ms;
    call->poll_ms = poll_ms;
    return MCPT_PENDING;
}

MCPT_API mcpt_err mcpt_task_status(mcpt_call *call, const char *message)
{
    if (!call->task) {
        return MCPT_E_STATE;
    }
    call->job->slot->message = message;
    mcpt__task_changed(call->hub, call->job->slot, call->job->slot->status);
    return MCPT_OK;
}

static void mcpt__fail_call(mcpt_call *k, mcpt_writer *w, int n);
static void mcpt__answer_out(mcpt_call *k, mcpt_writer *w, mcpt_err result);

/* The call goes on as a task in a slot; its request is answered by what names the task. */
static void mcpt__task_create(mcpt_call *k, mcpt_writer *w)
{
    mcpt_conn *c = k->conn;
    mcpt_slot *s = k->job->slot != NULL ? k->job->slot : mcpt__park(k->hub, k->job);
    int fault = MCPT__E_NO_TASK;

    mcpt__w_restart(w);
    k->part = 0;
    if (s != NULL) {
        k->job = &s->job;             /* what ends here if there will be no task */
    }
    if (s != NULL && mcpt__id_make(k->server, s->id)) {
        s->ttl_ms = k->ttl_ms;
        s->poll_ms = k->poll_ms;
        s->born = mcpt__now(k->server);
        s->created = mcpt__unix(k->server);
        mcpt__task_changed(k->hub, s, MCPT__T_WORKING);
        mcpt__result_begin(w, k->job, MCPT__RESULT("task"));
        mcpt__put_task(w, s);
        mcpt__result_end(w, k->server, k->job);
        fault = mcpt__answer_close(c);
    }
    k->job->flags = (uint8_t)(k->job->flags & ~(MCPT__J_BECOME | MCPT__J_EVENTS));
    if (fault != 0) {                 /* its client never hears of it */
        mcpt__run_last(k);
        mcpt__msg_drop(c);
        mcpt__msg_open(c, w);
        mcpt__fail_call(k, w, fault);
        mcpt__answer_out(k, w, MCPT_E_LIMIT);
        mcpt__job_end(k->hub, k->job);    /* also when nothing of it could be said: its last run is over */
        return;
    }
    s->job.flags |= MCPT__J_TASK;
    s->job.conn = NULL;
    s->job.state = MCPT__J_WAIT;
    mcpt__job_wake(k->hub, &s->job, k->server);
}
#endif

/* Is there anybody to hear an event of this call? */
static bool mcpt__heard(const mcpt_call *k)
{
    return k->conn != NULL && (k->job->flags & MCPT__J_EVENTS) != 0 && !k->cancelled;
}

MCPT_API mcpt_err mcpt_progress(mcpt_call *call, int64_t progress, int64_t total, const char *message)
{
    mcpt__event ev;
    mcpt_job *j = call->job;
    mcpt_err e;

    if (j->token.len == 0 || !mcpt__heard(call)) {
        return MCPT_OK;
    }
    if (j->has_progress != 0 && progress <= j->progress) {
        return MCPT_E_RANGE;
    }
    if (!mcpt__event_open(&ev, j, call->out, call->conn->io.tx_cap / 2)) {
        return MCPT_E_SPACE;
    }
    mcpt__notification(&ev.w, "notifications/progress");
    mcpt__kv_raw(&ev.w, "progressToken", j->token);
    mcpt_kv_int(&ev.w, "progress", progress);
    if (total > 0) {
        mcpt_kv_int(&ev.w, "total", total);
    }
    mcpt__kv_z(&ev.w, "message", message);
    e = mcpt__event_close(&ev);
    if (e == MCPT_OK) {
        j->progress = progress;
        j->has_progress = 1;
    }
    return e;
}

MCPT_API mcpt_err mcpt_log(mcpt_call *call, mcpt_level level, const char *logger, mcpt_str text)
{
    mcpt__event ev;

    if ((unsigned)level < call->job->level || !mcpt__heard(call) || (call->server->offers & MCPT_OFFER_LOGGING) == 0) {
        return MCPT_OK;
    }
    if (!mcpt__event_open(&ev, call->job, call->out, call->conn->io.tx_cap / 2)) {
        return MCPT_E_SPACE;
    }
    mcpt__notification(&ev.w, "notifications/message");
    mcpt__kv_z(&ev.w, "level", mcpt__nth(mcpt__levels, (unsigned)level));
    mcpt__kv_z(&ev.w, "logger", logger);
    mcpt_kv_str(&ev.w, "data", text);
    return mcpt__event_close(&ev);
}

MCPT_API void mcpt_retry_after(mcpt_call *call, uint32_t ms)
{
    mcpt__job_alarm(call->hub, call->job, mcpt__after(call->server, ms != 0 ? ms : 1));    /* 0 would hold the hub */
}

MCPT_API mcpt_ticket mcpt_call_ticket(const mcpt_call *call)
{
    mcpt_ticket t;

    t.hub = call->hub;
    t.flag = call->hub != NULL ? &call->hub->wake[call->job->ticket % 32] : &call->conn->io.wake;
    return t;
}

#if !MCPT_NO_LEGACY
MCPT_API mcpt_err mcpt_stream_close(mcpt_call *call, uint32_t retry_ms)
{
    mcpt_job *j = call->job;

    if (call->conn == NULL || mcpt__in_pieces(call) || mcpt__modern(j) || j->session == NULL || j->session->replay_cap == 0 ||
        (j->flags & MCPT__J_EVENTS) == 0 || j->revision < MCPT_2025_11_25 || mcpt__is_lines(call->conn) ||
        (j->slot == NULL && mcpt__slot_for(call->hub, j) == NULL)) {
        return MCPT_E_STATE;
    }
    j->flags |= MCPT__J_LEAVE;
    call->ttl_ms = retry_ms;
    return MCPT_OK;
}

/* Closes the event stream of a suspended call; the call goes on in a slot, what it says is kept for replay. */
static bool mcpt__leave(mcpt_call *k)
{
    mcpt_conn *c = k->conn;
    mcpt_slot *s = k->job->slot != NULL ? k->job->slot : mcpt__park(k->hub, k->job);
    char text[24];

    if (s == NULL) {
        return false;                 /* no slot: the stream stays open */
    }
    mcpt__sse_commit(c);
    c->work = NULL;                   /* also a call that had come back from its slot */
    s->job.flags = (uint8_t)(s->job.flags & ~MCPT__J_LEAVE);
    s->job.stream = c->stream;
    s->job.conn = NULL;
    s->job.state = MCPT__J_WAIT;
    *mcpt__cat(mcpt__cat_dec(mcpt__cat(text, "retry: "), k->ttl_ms), "\n\n") = '\0';
    mcpt__sse_lines(c, text, true);
    c->io.state = MCPT__X_DONE;
    return true;
}
#endif

/* -- what the handler's answer means */
static void mcpt__audit(const mcpt_call *k, mcpt_err result)
{
    mcpt_audit a;

    if (k->kind != MCPT_KIND_TOOL || k->server->audit == NULL) {
        return;
    }
    a.tool = (const mcpt_tool *)k->row;
    a.who = k->who;
    a.result = result;
    a.is_error = (k->part & MCPT__P_FAIL) != 0;
    a.millis = mcpt__now(k->server) - k->job->started;
    k->server->audit(k->server->user, &a);
}

/* The writer for a run without a connection: the free part of its slot, the replay memory, or nothing. */
static void mcpt__detached_open(mcpt_job *j, mcpt_writer *w)
{
#if !MCPT_NO_LEGACY
    mcpt_session *s = j->session;

    if ((j->flags & MCPT__J_TASK) == 0 && s != NULL && s->replay_cap > 64) {
        while (s->replay_len > s->replay_cap / 2) {
            mcpt__replay_drop(s);
        }
        mcpt_w_init(w, s->replay + s->replay_len + 12, s->replay_cap - s->replay_len - 12);
        return;
    }
#endif
    if ((j->flags & MCPT__J_TASK) != 0) {
        uint32_t at = j->text_len + j->tail_len;
        uint32_t grow = j->responses.len != 0 ? (uint32_t)j->responses.len + 8 : 0;   /* answers that this run may keep */

        at += grow < (j->slot->cap - at) / 2 ? grow : (j->slot->cap - at) / 2;
        j->tail_cap = at - j->text_len;
        mcpt_w_init(w, j->slot->data + at, j->slot->cap - at);
    } else {
        mcpt_w_init(w, NULL, 0);
    }
}

/* A whole answer without a connection goes where the client will look for it. */
static void mcpt__detached_close(mcpt_call *k, mcpt_writer *w)
{
    mcpt_job *j = k->job;

    (void)w;                          /* unless a task or a replayed stream wants the text */
#if !MCPT_NO_TASKS
    if (mcpt__is_task(k)) {
        j->slot->result.at = (uint32_t)(w->buf - j->slot->data);
        j->slot->result.len = w->err < 0 ? 0 : (uint32_t)w->len;
        mcpt__task_changed(k->hub, j->slot, (k->part & MCPT__P_ERROR) != 0 ? MCPT__T_FAILED : MCPT__T_COMPLETED);
    }
#endif
#if !MCPT_NO_LEGACY
    if (!mcpt__is_task(k) && j->session != NULL && w->buf != NULL && w->err >= 0) {
        mcpt__replay_add(j->session, j->stream, w->buf, w->len);
    }
#endif
    mcpt__job_end(k->hub, j);
}

/* Replaces whatever was written by an error. */
static void mcpt__fail_with(mcpt_call *k, mcpt_writer *w, int code, const char *message)
{
    if (mcpt__in_pieces(k)) {
        k->conn->io.state = MCPT__X_CLOSED;    /* pieces are out already: only a broken connection tells the truth */
        mcpt__job_end(k->hub, k->job);
    } else {
        k->part = MCPT__P_ERROR;
        mcpt__put_fault(w, k->job, code, message);
    }
}

static void mcpt__fail_call(mcpt_call *k, mcpt_writer *w, int n)
{
    mcpt__fault f = mcpt__fault_of(n);

    if (k->conn != NULL && k->conn->io.mode == MCPT__M_NONE) {
        k->conn->status = f.status;
    }
    mcpt__fail_with(k, w, f.code, f.text);
}

/* "needs 5321 bytes, the transmit buffer has room for 800" */
static void mcpt__fail_space(mcpt_call *k, mcpt_writer *w)
{
    char text[96];
    char *at = mcpt__cat_dec(mcpt__cat(text, "the answer needs "), (uint32_t)w->total);

    *mcpt__cat_dec(mcpt__cat(at, " bytes, the buffer has room for "), (uint32_t)w->cap) = '\0';
    mcpt__fail_with(k, w, MCPT__INTERNAL, text);
}

/* A handler's negative answer as an error or, where the model can do something about it, as an isError result. */
static void mcpt__fail_as(mcpt_call *k, mcpt_writer *w, mcpt_err e)
{
    bool read = mcpt__is_read(w);
    bool modern = mcpt__modern(k->job);
    int n = MCPT__E_HANDLER;

    switch (e) {
    case MCPT_E_PARAMS: n = MCPT__E_PARAMS; break;
    case MCPT_E_NOT_FOUND: n = !read ? MCPT__E_NOT_FOUND : modern ? MCPT__E_RESOURCE : MCPT__E_OLD_RESOURCE; break;
    case MCPT_E_CAPABILITY: n = modern ? MCPT__E_CAPABILITY : MCPT__E_OLD_CAPABILITY; break;
    case MCPT_E_DECLINED: n = MCPT__E_DECLINED; break;
    case MCPT_E_TIMEOUT: n = MCPT__E_TIMEOUT; break;
    default: mcpt__note(k->server, MCPT_ERROR, e, MCPT__SAY("a handler failed")); break;
    }
    if (k->kind == MCPT_KIND_TOOL && (n == MCPT__E_OLD_CAPABILITY || n == MCPT__E_DECLINED)) {
        (void)mcpt_fail(w, mcpt__fault_of(n).text);
        mcpt__result_close(k, w);
    } else {
        mcpt__fail_call(k, w, n);
    }
}

/* The answer is whole in w: off it goes. */
static void mcpt__answer_out(mcpt_call *k, mcpt_writer *w, mcpt_err result)
{
    mcpt_conn *c = k->conn;

    if (w->err < 0 && (k->part & MCPT__P_ERROR) == 0) {
        result = w->err;
        if (w->err == MCPT_E_SPACE) {
            mcpt__fail_space(k, w);
        } else {
            mcpt__note(k->server, MCPT_ERROR, w->err, MCPT__SAY("a handler wrote what is not a result"));
            mcpt__fail_call(k, w, w->err == MCPT_E_LIMIT ? MCPT__E_STATE_SPACE : MCPT__E_HANDLER);
        }
    }
    mcpt__audit(k, result);
    if (c == NULL) {
        mcpt__detached_close(k, w);
    } else if (c->io.state != MCPT__X_CLOSED) {
        if (mcpt__answer_close(c) != 0) {
            mcpt__note(k->server, MCPT_ERROR, MCPT_E_SPACE, MCPT__SAY("behind the questions of a call not even an error fits: a larger tx is needed"));
            c->io.tx_len = c->io.tx_at != 0 ? mcpt__head_room(c) : 0;    /* none of this run's events was sent yet: the head stays */
            mcpt__msg_open(c, w);
            k->part = 0;
            mcpt__fail_call(k, w, MCPT__E_SPACE);
            (void)mcpt__answer_close(c);
        }
        mcpt__job_end(k->hub, k->job);
    }
}

static void mcpt__suspend(mcpt_call *k)
{
    mcpt_job *j = k->job;
    mcpt_conn *c = k->conn;
    bool asked = (k->part & MCPT__P_ASK) != 0;

    j->state = asked ? MCPT__J_ASKED : MCPT__J_WAIT;
    if (asked) {
        mcpt__job_alarm(k->hub, j, mcpt__after(k->server, k->server->ask_ms != 0 ? k->server->ask_ms : 300000));
    }
    mcpt__job_link(k->hub, j);
    if (c == NULL) {
        return;
    }
    mcpt__msg_drop(c);
#if !MCPT_NO_LEGACY
    if ((j->flags & MCPT__J_LEAVE) != 0 && mcpt__leave(k)) {
        return;
    }
    if ((j->flags & MCPT__J_EVENTS) != 0 && !mcpt__modern(j) && j->session != NULL &&
        j->session->replay_cap != 0 && j->revision >= MCPT_2025_11_25) {
        mcpt__sse_commit(c);          /* so that the client can come back when the connection breaks */
    }
#endif
    if (mcpt__is_lines(c) && (c->flags & (MCPT__C_BATCH | MCPT__C_PIECES)) == 0 &&
        (j->slot != NULL || mcpt__park(k->hub, j) != NULL)) {
        c->io.state = MCPT__X_DONE;      /* the line is free for other messages */
        return;
    }
    c->work = j;
    c->io.state = MCPT__X_WAIT;
}

/* -- rate limits: a token bucket a tool, credit in 1/65536 of a call */
static bool mcpt__rate_ok(mcpt_hub *hub, const mcpt_server *s, size_t row)
{
    const mcpt_tool *t = &s->tools[row];
    uint32_t full = (uint32_t)(t->burst != 0 ? t->burst : 1) << 16;
    mcpt_rate *rate;
    uint32_t now;
    uint32_t most;
    uint32_t gain;

    if (t->rate == 0 || hub == NULL || hub->mem.rates == NULL) {
        return true;
    }
    now = mcpt__now(s);
    rate = &hub->mem.rates[row];
    if (rate->at == 0 && rate->credit == 0) {
        rate->credit = full;          /* the first call ever */
    }
    most = 3900000000u / t->rate;     /* so that nothing below overflows */
    gain = (now - rate->at < most ? now - rate->at : most) * t->rate;
    gain += gain / 11;                /* 65536 / 60000 a millisecond, nearly */
    rate->at = now;
    rate->credit = gain >= full - rate->credit ? full : rate->credit + gain;
    if (rate->credit < 65536) {
        return false;
    }
    rate->credit -= 65536;
    return true;
}

/* A call that turns into a question has not happened yet: its repetition counts. */
static void mcpt__rate_refund(const mcpt_call *k)
{
    const mcpt_tool *t = (const mcpt_tool *)k->row;

    if (t->rate != 0 && k->hub != NULL && k->hub->mem.rates != NULL) {
        k->hub->mem.rates[t - k->server->tools].credit += 65536;
    }
}

#if !MCPT_NO_ASK
/* The questions of this run are complete. */
static void mcpt__questions_out(mcpt_call *k, mcpt_writer *w)
{
    mcpt_end(w);
    if (mcpt__is_task(k)) {
        mcpt_slot *s = k->job->slot;
        uint32_t at = s->cap - (uint32_t)w->len;

        if (w->err < 0) {
            mcpt__answer_out(k, w, w->err);
            return;
        }
        MCPT_MEMMOVE(s->data + at, w->buf, w->len);    /* out of the way of the answers */
        s->requests.at = at;
        s->requests.len = (uint32_t)w->len;
        k->job->tail_cap = at - k->job->text_len;
        k->job->state = MCPT__J_ASKED;
#if !MCPT_NO_TASKS
        if (s->ttl_ms - 1u < 0x7fffffffu) {
            mcpt__job_alarm(k->hub, k->job, s->born + s->ttl_ms);    /* nobody answers: fails, and its slot is free */
        }
        mcpt__task_changed(k->hub, s, MCPT__T_INPUT);
#endif
        return;
    }
    if (k->kind == MCPT_KIND_TOOL) {
        mcpt__rate_refund(k);
    }
    mcpt__put_state(k, w);
    mcpt__result_end(w, k->server, k->job);
    mcpt__answer_out(k, w, MCPT_PENDING);
}
#endif

static MCPT__APART void mcpt__settle(mcpt_call *k, mcpt_writer *w, mcpt_err e)
{
    mcpt_job *j = k->job;

    if (e == MCPT_MORE && (k->part & MCPT__P_ASK) != 0) {
        e = MCPT_PENDING;             /* questions come first */
    }
    if (e == MCPT_E_RPC && (k->part & MCPT__P_ERROR) != 0) {
        mcpt__answer_out(k, w, e);
    } else if (e < 0) {
        mcpt__fail_as(k, w, e);
        mcpt__answer_out(k, w, e);
    } else if (e == MCPT_OK) {
        if ((k->part & (MCPT__P_LIST | MCPT__P_LISTED)) == 0 && mcpt__is_read(w) && w->err >= 0) {
            mcpt__fail_as(k, w, MCPT_E_NOT_FOUND);
        } else if ((k->part & MCPT__P_ERROR) == 0) {
            mcpt__result_close(k, w);
        }
        mcpt__answer_out(k, w, MCPT_OK);
#if !MCPT_NO_TASKS
    } else if ((j->flags & MCPT__J_BECOME) != 0) {
        mcpt__task_create(k, w);
#endif
#if !MCPT_NO_ASK
    } else if (e == MCPT_PENDING && (k->part & MCPT__P_ASK) != 0 && mcpt__modern(j)) {
        mcpt__questions_out(k, w);
#endif
    } else if (e == MCPT_MORE && k->conn != NULL && w->err >= 0) {
        mcpt__piece_send(k->conn, w);
        j->part = k->part;
        j->base = k->base;
        j->state = MCPT__J_RUN;
        k->conn->work = j;
    } else if (e == MCPT_MORE) {      /* a piece that does not fit, or no stream to put it on */
        mcpt__run_last(k);
        if (w->err >= 0) {
            mcpt__fail_call(k, w, MCPT__E_PIECES);
        }
        mcpt__answer_out(k, w, MCPT_E_STATE);
    } else {
        mcpt__suspend(k);
    }
}

/* -- preparing a run */
static mcpt_err mcpt__index_next(mcpt_call *k, mcpt_doc *doc, mcpt_str text)
{
    mcpt_err e = mcpt__index(doc, text, k->tok, k->ntok);

    if (e == MCPT_OK) {
        k->tok += doc->count;
        k->ntok -= doc->count;
    }
    return e;
}

/* Indexes arguments, answers that came with the request, and earlier answers, one behind the other. */
static mcpt_err mcpt__call_index(mcpt_call *k)
{
    mcpt_job *j = k->job;
    mcpt_err e = mcpt__index_next(k, &k->args, j->args.len != 0 ? j->args : mcpt_z("{}"));

    if (e == MCPT_OK && j->responses.len != 0) {
        e = mcpt__index_next(k, &k->responses, j->responses);
    }
    if (e == MCPT_OK && j->past != 0) {
        e = mcpt__index_next(k, &k->past, mcpt__mk(j->tail, j->past));
    }
    return e;
}

#if !MCPT_NO_COMPLETION
static MCPT__APART mcpt_err mcpt__invoke_completion(mcpt_call *k, mcpt_writer *w)
{
    char name[MCPT_MAX_NAME];
    char value[MCPT_MAX_NAME];
    mcpt_str n;
    mcpt_str v;
    mcpt_val params = mcpt_root(&k->args);
    mcpt_val argument = mcpt_get(params, "argument");
    bool prompt = mcpt_val_is(mcpt_get(mcpt_get(params, "ref"), "type"), "ref/prompt");
    mcpt_complete_fn fn = prompt ? ((const mcpt_prompt *)k->row)->complete : ((const mcpt_resource *)k->row)->complete;

    k->user = mcpt__ptr_at(k->row, mcpt__tables[prompt ? MCPT_KIND_PROMPT : MCPT_KIND_RESOURCE].user);
    if (mcpt_get_str(mcpt_get(argument, "name"), name, sizeof(name), &n) != MCPT_OK ||
        mcpt_get_str(mcpt_get(argument, "value"), value, sizeof(value), &v) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    return fn != NULL ? fn(k, n, v, mcpt_get(mcpt_get(params, "context"), "arguments"), w) : MCPT_OK;
}

#endif

static mcpt_err mcpt__invoke(mcpt_call *k, mcpt_writer *w)
{
    mcpt_val args = mcpt_root(&k->args);

    switch (k->kind) {
#if !MCPT_NO_PROMPTS
    case MCPT_KIND_PROMPT: return ((const mcpt_prompt *)k->row)->fn(k, args, w);
#endif
#if !MCPT_NO_COMPLETION
    case MCPT__KIND_COMPLETION: return mcpt__invoke_completion(k, w);
#endif
#if !MCPT_NO_RESOURCES
    case MCPT_KIND_RESOURCE: case MCPT_KIND_TEMPLATE: return ((const mcpt_resource *)k->row)->fn(k, k->uri, w);
#endif
    default: return ((const mcpt_tool *)k->row)->fn(k, args, w);
    }
}

static uint8_t mcpt__method_kind(const mcpt_job *j)
{
    switch (j->method) {
#if !MCPT_NO_PROMPTS
    case MCPT__PROMPTS_GET: return MCPT_KIND_PROMPT;
#endif
#if !MCPT_NO_COMPLETION
    case MCPT__COMPLETE: return MCPT__KIND_COMPLETION;
#endif
#if !MCPT_NO_RESOURCES
    case MCPT__RESOURCES_READ:
        return mcpt__is_template((const mcpt_resource *)j->row) ? MCPT_KIND_TEMPLATE : MCPT_KIND_RESOURCE;
#endif
    default: return MCPT_KIND_TOOL;
    }
}

static void mcpt__call_init(mcpt_call *k, mcpt_hub *hub, const mcpt_server *s, mcpt_job *j, char *name)
{
    mcpt_conn *c = j->conn;

    MCPT_MEMSET(k, 0, sizeof(*k));
    k->server = s;
    k->hub = hub;
    k->job = j;
    k->conn = c;
    k->row = j->row;
    k->kind = mcpt__method_kind(j);
    k->user = k->kind <= MCPT_KIND_PROMPT ? mcpt__ptr_at(k->row, mcpt__tables[k->kind].user) : NULL;
    k->who = j->who;
    k->conn_user = c != NULL ? c->user : NULL;
    k->scratch = j->scratch;
    if (j->meta.len != 0) {
        k->meta = j->meta;
    }
    k->revision = (mcpt_revision)j->revision;
    k->pass = j->pass;
    k->task = (j->flags & MCPT__J_TASK) != 0;
    k->tok = c != NULL ? c->tok : hub->mem.tok;
    k->ntok = c != NULL ? c->ntok : (uint32_t)hub->mem.ntok;
    if (!MCPT_NO_RESOURCES && (k->kind == MCPT_KIND_RESOURCE || k->kind == MCPT_KIND_TEMPLATE)) {
        (void)mcpt__raw_text(j->name, name, MCPT_MAX_NAME, &k->uri);
    }
}

/* Calls that come too fast, and arguments that do not fit the tool's schema, are told to the model, not to the handler.
 * False: answered. */
static MCPT__APART bool mcpt__call_allowed(mcpt_call *k, mcpt_writer *w)
{
    const mcpt_tool *t = (const mcpt_tool *)k->row;
    char why[120];
    mcpt_err e = MCPT_OK;
    const char *text = why;

    if (k->kind != MCPT_KIND_TOOL || k->pass != 0) {
        return true;
    }
    if (!mcpt__rate_ok(k->hub, k->server, (size_t)(t - k->server->tools))) {
        text = MCPT__SAY("this tool is called too often: try again later");
        e = MCPT_E_LIMIT;
    }
#if !MCPT_NO_SCHEMA
    if (e == MCPT_OK) {
        e = mcpt_schema_check(mcpt_z(mcpt__schema_of(t->input_schema)), mcpt_root(&k->args), why, sizeof(why));
    }
#endif
    if (e == MCPT_OK) {
        return true;
    }
    (void)mcpt_fail(w, text);
    mcpt__result_close(k, w);
    mcpt__answer_out(k, w, e == MCPT_E_LIMIT ? e : MCPT_E_PARAMS);
    return false;
}

/* Runs the job's handler once. Its connection's transmit buffer is empty, or it has no connection. */
static void mcpt__job_run(mcpt_hub *hub, const mcpt_server *s, mcpt_job *j)
{
    mcpt_conn *c = j->conn;
    mcpt_writer local;
    mcpt_writer *w = c != NULL ? &c->w : &local;
    bool more = c != NULL && (c->flags & MCPT__C_PIECES) != 0;
    bool late = j->state == MCPT__J_ASKED && (j->flags & MCPT__J_WOKEN) == 0;
    char name[MCPT_MAX_NAME];
    mcpt_writer begun;
    mcpt_call k;
    mcpt_err e;

    j->flags = (uint8_t)(j->flags & ~(MCPT__J_WOKEN | MCPT__J_TIMED));
    mcpt__call_init(&k, hub, s, j, name);
    if (more) {
        mcpt__piece_next(c, w);
        k.part = j->part;
        k.base = j->base;
    } else if (c != NULL) {
        mcpt__msg_open(c, w);
    } else {
        mcpt__detached_open(j, w);
    }
    w->user = &k;
    k.out = w;
    begun = *w;
    e = mcpt__call_index(&k);
    if (c != NULL) {
        c->io.peak_tok = mcpt__peak(c->io.peak_tok, c->ntok - k.ntok);
    }
    if (e < 0) {
        if (j->pass != 0) {
            mcpt__run_last(&k);       /* the hub has fewer tokens than the connection had */
        }
        mcpt__fail_call(&k, w, MCPT__E_VALUES);
        mcpt__answer_out(&k, w, e);
        return;
    }
    if (!mcpt__call_allowed(&k, w)) {
        return;
    }
    j->asked = 0;
    j->answered = 0;
    j->state = MCPT__J_RUN;
    e = late ? MCPT_E_TIMEOUT : mcpt__invoke(&k, w);
    if (more && e == MCPT_PENDING) {
        *w = begun;                   /* what was written behind the last piece is written anew */
        k.part = j->part;
        k.base = j->base;
    }
    j->pass++;
    mcpt__settle(&k, w, e);
}

/* Ends a call that nobody waits for any more. */
static MCPT__APART void mcpt__cancel(mcpt_hub *hub, const mcpt_server *s, mcpt_job *j)
{
    char name[MCPT_MAX_NAME];
    mcpt_call k;

    if (j->state == MCPT__J_IDLE || j->text == NULL) {      /* or it waits for the verdict on its token */
        mcpt__job_unlink(hub, j);
        j->state = MCPT__J_IDLE;
        return;
    }
    mcpt__call_init(&k, hub, s, j, name);
    (void)mcpt__call_index(&k);       /* without enough tokens the last run has no arguments */
    mcpt__run_last(&k);
    mcpt__audit(&k, MCPT_E_CANCELLED);
    mcpt__job_end(hub, j);
}

/* >>dispatch: implementation ------------------------------------------------------------------------------
 * From a scanned message to the method: which era it belongs to, what its headers must say, what it needs. */

/* =?base64?...?= stands for text that a field cannot carry (2026-07-28, basic/transports). */
static bool mcpt__is_sentinel(mcpt_str header)
{
    return header.len >= 11 && MCPT_MEMCMP(header.ptr, "=?base64?", 9) == 0 &&
           MCPT_MEMCMP(header.ptr + header.len - 2, "?=", 2) == 0;
}

/* A header value against the text of the body it must repeat. The expected text is encoded, so only its one right
 * spelling fits. */
static MCPT__QUICK bool mcpt__header_is(mcpt_str header, mcpt_str text)
{
    size_t i;
    size_t at = 9;
    char quad[4];

    if (header.ptr == NULL) {
        return false;
    }
    if (!mcpt__is_sentinel(header)) {
        return mcpt_str_eq(header, text);
    }
    for (i = 0; i < text.len; i += 3) {
        size_t n = text.len - i < 3 ? text.len - i : 3;

        (void)mcpt_b64_encode(text.ptr + i, n, false, quad, sizeof(quad));
        if (header.len - 2 - at < 4 || MCPT_MEMCMP(header.ptr + at, quad, 4) != 0) {
            return false;
        }
        at += 4;
    }
    return at == header.len - 2;
}

/* -- Mcp-Param-*: every annotated argument that is present must be repeated in its header */
#if !MCPT_NO_HTTP && !MCPT_NO_MCP_PARAM
static mcpt_str mcpt__param_field(const mcpt_conn *c, mcpt_str header, bool *twice)
{
    mcpt_str found = mcpt__mk(NULL, 0);
    mcpt_str name;
    mcpt_str value;
    uint32_t it = 0;
    size_t i = 0;
    bool more;

    *twice = false;
    do {
        if (mcpt__is_hosted(c)) {
            more = i < c->request->nfields;
            if (more) {
                name = c->request->fields[i].name;
                value = c->request->fields[i++].value;
            }
        } else {
            more = mcpt_head_next(&c->head, c->io.rx, &it, &name, &value);
        }
        if (more && name.len == header.len + 10) {
            size_t k;

            for (k = 0; k < name.len; k++) {
                char want = k < 10 ? "mcp-param-"[k] : mcpt__lower(header.ptr[k - 10]);

                if (mcpt__lower(name.ptr[k]) != want) {
                    break;
                }
            }
            if (k == name.len) {
                *twice = *twice || found.ptr != NULL;
                found = value;
            }
        }
    } while (more);
    return found;
}

static mcpt_err mcpt__param_check(void *user, mcpt_str header, mcpt_val value)
{
    const mcpt_conn *c = (const mcpt_conn *)user;
    char text[MCPT_MAX_NAME];
    mcpt_str got;
    mcpt_str want;
    bool twice;

    got = mcpt__param_field(c, header, &twice);
    if (got.ptr == NULL || twice) {
        return MCPT_E_PARAMS;
    }
    if (mcpt_typeof(value) == MCPT_STRING) {
        if (mcpt_get_str(value, text, sizeof(text), &want) != MCPT_OK) {
            return MCPT_E_PARAMS;
        }
        return mcpt__header_is(got, want) ? MCPT_OK : MCPT_E_PARAMS;
    }
    if (mcpt__is_sentinel(got)) {     /* needless for a number, and allowed */
        if (!mcpt_b64_decode(mcpt__mk(got.ptr + 9, got.len - 11), false, text, sizeof(text), &got.len)) {
            return MCPT_E_PARAMS;
        }
        got.ptr = text;
    }
    if (mcpt_typeof(value) == MCPT_NUMBER) {
        mcpt_tok tok;
        mcpt_doc doc;
        int64_t a;
        int64_t b;

        if (mcpt_parse(&doc, got, &tok, 1) == MCPT_OK && mcpt_get_int(mcpt_root(&doc), &a) == MCPT_OK &&
            mcpt_get_int(value, &b) == MCPT_OK) {
            return a == b ? MCPT_OK : MCPT_E_PARAMS;
        }
    }
    return mcpt_str_eq(got, mcpt_raw(value)) ? MCPT_OK : MCPT_E_PARAMS;
}
#endif

/* -- simple answers */
static void mcpt__answer_open(mcpt_conn *c)
{
    mcpt__msg_open(c, &c->w);
    mcpt__result_begin(&c->w, &c->job, MCPT__DONE);
}

static int mcpt__answer_result(mcpt_conn *c)
{
    mcpt__result_end(&c->w, c->server, &c->job);
    return mcpt__answer_close(c);
}

/* -- lists and other answers of the library's own */
static int mcpt__generator_step(mcpt_conn *c)
{
    mcpt_writer *w = &c->w;
    bool more = (c->flags & MCPT__C_PIECES) != 0;
    mcpt_err e;

    if (more) {
        mcpt__piece_next(c, w);
    } else {
        mcpt__msg_open(c, w);
    }
    e = mcpt__generate(c, &c->job, w);
    if (e == MCPT_MORE) {
        mcpt__piece_send(c, w);
        return 0;
    }
    c->generator = MCPT__G_NONE;
    if (e == MCPT_OK) {
        return mcpt__answer_close(c);
    }
    mcpt__note(c->server, MCPT_ERROR, e, MCPT__SAY("a table holds text that is not UTF-8 or not JSON"));
    c->io.state = MCPT__X_CLOSED;        /* when it is too late for another answer */
    mcpt__msg_drop(c);
    return more ? 0 : MCPT__E_HANDLER;
}

static int mcpt__generator_start(mcpt_conn *c, unsigned generator, uint32_t row)
{
    c->generator = (uint8_t)generator;
    c->stage = 0;
    c->piece = row;
    c->piece_at = 0;
    c->piece_n = 0;
    return mcpt__generator_step(c);
}

static int mcpt__list(mcpt_conn *c, const mcpt__rpc *r, unsigned kind)
{
    mcpt_str cursor = r->v[MCPT__R_CURSOR];
    uint32_t row = 0;
    size_t i;

    if (cursor.len != 0) {
        bool good = cursor.ptr[0] == '"' && cursor.len > 2 && cursor.len < 12 && cursor.ptr[1] != '0';

        for (i = 1; good && i + 1 < cursor.len; i++) {
            good = mcpt__digit(cursor.ptr[i]);
            row = row * 10 + (uint32_t)(cursor.ptr[i] - '0');
        }
        if (!good || row >= mcpt__count(c->server, kind) || c->server->page == 0) {
            return MCPT__E_CURSOR;
        }
    }
    return mcpt__generator_start(c, MCPT__G_LIST + kind, row);
}

/* -- calls that run a handler */
static bool mcpt__may(const mcpt_conn *c, const char *scopes)
{
#if !MCPT_NO_GUARD
    return c->who == NULL || mcpt__covers(c->server, c->who, scopes);
#else
    (void)c;
    (void)scopes;
    return true;
#endif
}

static const char *mcpt__row_scopes(unsigned kind, const void *row)
{
    return kind == MCPT_KIND_TOOL ? ((const mcpt_tool *)row)->scopes : kind == MCPT_KIND_PROMPT ? ((const mcpt_prompt *)row)->scopes :
           ((const mcpt_resource *)row)->scopes;
}

/* Has the caller the scopes of a row? 0, or the fault (RFC 6750 section 3.1: its answer names all that the operation needs). */
static int mcpt__scoped(mcpt_conn *c, const char *scopes)
{
    if (mcpt__may(c, scopes)) {
        return 0;
    }
    c->need = scopes;
    return MCPT__E_SCOPE;
}

#if !MCPT_NO_PROMPTS
static bool mcpt__prompt_args_ok(const mcpt_prompt *p, mcpt_val args)
{
    size_t i;

    for (i = 0; i < p->nargs; i++) {
        mcpt_type type = mcpt_typeof(mcpt_get(args, p->args[i].name));

        if (type != MCPT_STRING && (type != MCPT_ABSENT || p->args[i].required)) {
            return false;
        }
    }
    return true;
}
#endif

/* Modern retries bring back what an earlier round asked for. */
static int mcpt__resume_state(mcpt_conn *c, mcpt_job *j, const mcpt__rpc *r)
{
    char type = mcpt__first(r->v[MCPT__R_RESPONSES]);

    if (!mcpt__modern(j)) {
        return 0;
    }
    if (type == '{') {
        j->responses = r->v[MCPT__R_RESPONSES];
    } else if (type != '\0' && type != 'n') {
        return MCPT__E_RESPONSES;
    }
#if !MCPT_NO_ASK
    if (r->v[MCPT__R_STATE].len != 0) {
        mcpt_str state = r->v[MCPT__R_STATE];

        if (state.ptr[0] != '"' || !mcpt__state_take(j, c->server, c->hub, mcpt__mk(state.ptr + 1, state.len - 2))) {
            return MCPT__E_STATE;     /* also with escapes: none is needed */
        }
    }
#endif
    (void)c;
    return 0;
}

/* Checks that need the arguments indexed. */
static MCPT__APART int mcpt__call_args(mcpt_conn *c, mcpt_job *j)
{
    mcpt_str args = j->args.len != 0 ? j->args : mcpt_z("{}");
    mcpt_doc doc;

#if !MCPT_NO_HTTP && !MCPT_NO_MCP_PARAM
    if (j->method == MCPT__TOOLS_CALL && mcpt__modern(j) && !mcpt__is_lines(c)) {
        const char *schema = mcpt__schema_of(((const mcpt_tool *)j->row)->input_schema);

        if (mcpt__contains(schema, "x-mcp-header\"") && mcpt__index(&doc, args, c->tok, c->ntok) == MCPT_OK &&
            mcpt_schema_headers(mcpt_z(schema), mcpt_root(&doc), mcpt__param_check, c) != MCPT_OK) {
            return MCPT__E_H_PARAM;
        }
    }
#endif
#if !MCPT_NO_PROMPTS
    if (j->method == MCPT__PROMPTS_GET && (mcpt__index(&doc, args, c->tok, c->ntok) != MCPT_OK ||
                                           !mcpt__prompt_args_ok((const mcpt_prompt *)j->row, mcpt_root(&doc)))) {
        return MCPT__E_PROMPT_ARGS;
    }
#endif
    (void)c;                          /* without these nothing is left to check */
    (void)doc;
    (void)args;
    return 0;
}

/* The row that a request names, into its job; false: there is none, for this caller. */
static bool mcpt__job_row(mcpt_conn *c, mcpt_job *j, unsigned kind, unsigned seen_as, mcpt_str name)
{
    int row = mcpt__find(c->server, kind, name);

    if (row < 0 || !mcpt__visible(c->server, seen_as, (size_t)row, j->who)) {
        return false;
    }
    j->row = mcpt__row(c->server, kind, (size_t)row);
    return true;
}

static int mcpt__call_start(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    int n;

    if (j->row == NULL) {             /* not a resource */
        unsigned kind = MCPT_NO_PROMPTS || j->method == MCPT__TOOLS_CALL ? MCPT_KIND_TOOL : MCPT_KIND_PROMPT;
        char type = mcpt__first(r->v[MCPT__R_ARGUMENTS]);

        if (!mcpt__job_row(c, j, kind, kind, r->name)) {
            return kind == MCPT_KIND_TOOL ? MCPT__E_TOOL : MCPT__E_PROMPT;
        }
        n = mcpt__scoped(c, mcpt__row_scopes(kind, j->row));
        if (n != 0) {
            return n;
        }
        if (type == '{') {
            j->args = r->v[MCPT__R_ARGUMENTS];
        } else if (type != '\0' && type != 'n') {
            return MCPT__E_ARGUMENTS;
        }
    }
    n = mcpt__call_args(c, j);
    if (n == 0) {
        n = mcpt__resume_state(c, j, r);
    }
    return n != 0 ? n : MCPT__E_RUN;
}

#if !MCPT_NO_RESOURCES
static int mcpt__read_start(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    int row = mcpt__find_resource(c->server, r->name, j->who);
    const mcpt_resource *res = &c->server->resources[row >= 0 ? row : 0];
    int n;

    if (row < 0) {
        return mcpt__modern(j) ? MCPT__E_RESOURCE : MCPT__E_OLD_RESOURCE;
    }
    j->row = res;
    n = mcpt__scoped(c, res->scopes);
    if (n != 0) {
        return n;
    }
    return res->fn == NULL ? mcpt__generator_start(c, MCPT__G_STATIC, 0) : mcpt__call_start(c, r);
}
#endif

/* completion/complete: the reference is looked up here, the argument by the run. */
#if !MCPT_NO_COMPLETION
static MCPT__APART int mcpt__complete_start(mcpt_conn *c, const mcpt__rpc *r)
{
    char buf[MCPT_MAX_NAME];
    mcpt_job *j = &c->job;
    mcpt_doc doc;
    mcpt_val ref;
    mcpt_str name;
    bool prompt;
    int n;

    j->args = r->v[MCPT__R_PARAMS];
    if (mcpt__index(&doc, j->args, c->tok, c->ntok) != MCPT_OK) {
        return MCPT__E_REFERENCE;
    }
    ref = mcpt_get(mcpt_root(&doc), "ref");
    prompt = mcpt_val_is(mcpt_get(ref, "type"), "ref/prompt");
    if (mcpt_get_str(mcpt_get(ref, prompt ? "name" : "uri"), buf, sizeof(buf), &name) != MCPT_OK ||
        !mcpt__job_row(c, j, prompt ? MCPT_KIND_PROMPT : MCPT_KIND_RESOURCE, prompt ? MCPT_KIND_PROMPT : MCPT_KIND_TEMPLATE, name)) {
        return MCPT__E_REFERENCE;
    }
    n = mcpt__scoped(c, mcpt__row_scopes(prompt ? MCPT_KIND_PROMPT : MCPT_KIND_RESOURCE, j->row));
    return n != 0 ? n : MCPT__E_RUN;
}
#endif

/* -- tasks/get, tasks/update, tasks/cancel */
#if !MCPT_NO_TASKS
/* A cursor at the first member of an object's checked text. */
static void mcpt__members_open(mcpt__sch_text *t, mcpt_str object)
{
    mcpt__sch_open(t, object);
    t->p += object.len != 0 ? 1 : 0;
}

/* The raw value of a member in an object's checked text, found without tokens; absent: none. */
static mcpt_str mcpt__text_member(mcpt_str object, mcpt_str key)
{
    mcpt__sch_text t;
    mcpt_str name;
    mcpt_str value;

    mcpt__members_open(&t, object);
    while (mcpt__sch_key(&t, &name) && mcpt__sch_value(&t, &value) != MCPT_ABSENT) {
        if (mcpt__sch_same(name, key)) {
            return value;
        }
    }
    return mcpt__mk(NULL, 0);
}

/* The questions of a waiting task that have no answer yet. */
static void mcpt__put_open_requests(mcpt_writer *w, const mcpt_slot *s)
{
    mcpt_str past = mcpt__mk(s->job.tail, s->job.past);
    mcpt__sch_text t;
    mcpt_str key;
    mcpt_str request;

    mcpt__kv_obj(w, "inputRequests");
    mcpt__members_open(&t, mcpt__cut(s->data, s->requests));
    while (mcpt__sch_key(&t, &key) && mcpt__sch_value(&t, &request) != MCPT_ABSENT) {
        if (mcpt__text_member(past, key).ptr == NULL) {
            mcpt_key_str(w, key);
            mcpt_put_raw(w, request);
        }
    }
    mcpt_end(w);
}

static void mcpt__put_detailed_task(mcpt_writer *w, const mcpt_slot *s)
{
    mcpt__put_task(w, s);
    if (s->status == MCPT__T_COMPLETED) {
        mcpt__kv_raw(w, "result", mcpt__cut(s->data, s->result));
    } else if (s->status == MCPT__T_FAILED) {
        mcpt__kv_raw(w, "error", s->result.len != 0 ? mcpt__cut(s->data, s->result) :
                     mcpt_z("{\"code\":-32603,\"message\":\"not even the error fits the slot\"}"));
    } else if (s->status == MCPT__T_INPUT) {
        mcpt__put_open_requests(w, s);
    }
}

/* Takes the answers to open questions; everything else in them is ignored. False: no room for an answer. */
static bool mcpt__task_update(mcpt_conn *c, mcpt_slot *s, mcpt_str responses)
{
    mcpt_str asked = mcpt__cut(s->data, s->requests);
    mcpt__sch_text t;
    mcpt_str key;
    mcpt_str answer;

    if (s->status != MCPT__T_INPUT) {
        return true;
    }
    mcpt__members_open(&t, responses);
    while (mcpt__sch_key(&t, &key) && mcpt__sch_value(&t, &answer) != MCPT_ABSENT) {
        if (answer.ptr[0] == '{' && mcpt__text_member(asked, key).ptr != NULL &&
            mcpt__text_member(mcpt__mk(s->job.tail, s->job.past), key).ptr == NULL) {
            if (!mcpt__past_add(&s->job, key, answer)) {
                return false;
            }
            s->job.answered++;
        }
    }
    if (s->job.answered >= s->job.asked) {
        mcpt__task_changed(c->hub, s, MCPT__T_WORKING);
        s->job.tail_cap = s->cap - s->job.text_len;
        s->job.state = MCPT__J_WAIT;
        mcpt__job_wake(c->hub, &s->job, c->server);
    }
    return true;
}

/* Does the client declare the extension? If not, its job knows what to ask for. */
static bool mcpt__task_client(mcpt_job *j)
{
    j->need = MCPT_CAN_TASKS;
    return (mcpt__caps(j->caps) & MCPT_CAN_TASKS) != 0;
}

static MCPT__APART int mcpt__task_method(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    mcpt_slot *s;

    if (!mcpt__task_client(j)) {
        return MCPT__E_CAPABILITY;
    }
    s = mcpt__task_find(c->hub, r->name, j->owner);
    if (s == NULL) {
        return MCPT__E_TASK;
    }
    if (j->method == MCPT__TASKS_UPDATE) {
        mcpt_str responses = r->v[MCPT__R_RESPONSES];

        if (mcpt__first(responses) != '{') {
            return MCPT__E_RESPONSES;
        }
        if (!mcpt__task_update(c, s, responses)) {
            return MCPT__E_TASK_SPACE;
        }
    } else if (j->method == MCPT__TASKS_CANCEL && s->status <= MCPT__T_INPUT) {
        mcpt__cancel(c->hub, c->server, &s->job);
        mcpt__task_changed(c->hub, s, MCPT__T_CANCELLED);
    }
    mcpt__answer_open(c);
    if (j->method == MCPT__TASKS_GET) {
        mcpt__put_detailed_task(&c->w, s);
    }
    return mcpt__answer_result(c);
}
#endif

/* >>methods: implementation -------------------------------------------------------------------------------
 * One message: classified by era, checked, and handed to its method. */

/* A job for a request, without what its method knows. */
static void mcpt__job_init(mcpt_conn *c, mcpt_job *j, const mcpt__rpc *r, int method)
{
    j->text_len = r->len;
    j->tail = c->io.rx + c->io.rx_len;
    j->tail_cap = c->io.rx_cap - c->io.rx_len;
    j->meta = r->v[MCPT__R_META];
    j->caps = r->v[MCPT__R_M_CAPS];
    if (mcpt__id_ok(r->v[MCPT__R_M_TOKEN])) {
        j->token = r->v[MCPT__R_M_TOKEN];    /* one that cannot be echoed: no progress */
    }
    j->conn = c;
    j->method = (uint8_t)method;
    j->started = c->server->audit != NULL ? mcpt__now(c->server) : 0;
    j->ticket = c->hub != NULL ? (uint16_t)++c->hub->counter : 0;
    j->who = c->who;
    j->verdict = c->verdict;
    mcpt__owner(c, j->owner);
    j->level = 255;                   /* no logging unless asked for */
    j->flags = (c->flags & MCPT__C_SSE_OK) != 0 ? MCPT__J_EVENTS : 0;
}

/* -- subscriptions/listen */
#if !MCPT_NO_LISTEN
static void mcpt__put_subscription(mcpt_writer *w, const mcpt_listener *l)
{
    mcpt__kv_obj(w, "_meta");
    mcpt__kv_raw(w, "io.modelcontextprotocol/subscriptionId", mcpt__mk(l->id, l->id_len));
    mcpt_end(w);
}

static void mcpt__subs_notification(mcpt_writer *w, const char *method, const mcpt_listener *l)
{
    mcpt__notification(w, method);
    if (l != NULL) {
        mcpt__put_subscription(w, l);
    }
}

static const char mcpt__list_wants[] = "toolsListChanged\0promptsListChanged\0resourcesListChanged";

/* Subscribes to the resources or (behind a control character) the tasks of a list; what does not fit, or is not there, is
 * not in the acknowledgement. */
static MCPT__APART void mcpt__listen_to(mcpt_conn *c, mcpt_listener *l, mcpt_val list, bool tasks)
{
    char buf[MCPT_MAX_NAME];
    mcpt_str text;
    mcpt_val it;

    MCPT_MEMSET(&it, 0, sizeof(it));
    while (mcpt_next(list, &it, NULL)) {
        if (mcpt_get_str(it, buf + 1, sizeof(buf) - 1, &text) != MCPT_OK) {
            continue;
        }
#if !MCPT_NO_TASKS
        if (tasks && text.len == 32 &&
            (mcpt__task_find(c->hub, text, NULL) == NULL || mcpt__task_find(c->hub, text, c->job.owner) != NULL)) {
            MCPT_MEMMOVE(buf + 1, text.ptr, 32);
            buf[0] = '\1';
            (void)mcpt__subs_add(&l->subs, mcpt__mk(buf, 33));
        }
#endif
#if !MCPT_NO_RESOURCES
        if (!tasks) {
            int row = mcpt__find_resource(c->server, text, c->job.who);

            if (row >= 0 && mcpt__may(c, c->server->resources[row].scopes)) {
                (void)mcpt__subs_add(&l->subs, text);
            }
        }
#endif
    }
    (void)c;
    (void)l;
    (void)tasks;
}

/* Takes the filter as far as this server honours it. */
static MCPT__APART int mcpt__listen_filter(mcpt_conn *c, mcpt_job *j, mcpt_listener *l, mcpt_str raw)
{
    unsigned o = mcpt__offers(c->server, c->hub, true);
    mcpt_doc doc;
    mcpt_val ids;
    unsigned i;

    MCPT_MEMSET(&ids, 0, sizeof(ids));
    if (mcpt__first(raw) != '{' || mcpt__index(&doc, raw, c->tok, c->ntok) != MCPT_OK) {
        return MCPT__E_FILTER;
    }
    for (i = 0; i < 3 && (o & MCPT_OFFER_LIST_CHANGED) != 0; i++) {
        if (mcpt_bool_or(mcpt_get(mcpt_root(&doc), mcpt__nth(mcpt__list_wants, i)), false)) {
            l->subs.lists |= (uint8_t)(1u << i);
        }
    }
    if (!MCPT_NO_RESOURCES && (o & MCPT_OFFER_SUBSCRIBE) != 0) {
        mcpt__listen_to(c, l, mcpt_get(mcpt_root(&doc), "resourceSubscriptions"), false);
    }
#if !MCPT_NO_TASKS
    ids = mcpt_get(mcpt_root(&doc), "taskIds");
    if ((o & MCPT_OFFER_TASKS) != 0 && mcpt_size(ids) != 0) {
        if (!mcpt__task_client(j)) {
            return MCPT__E_CAPABILITY;
        }
        mcpt__listen_to(c, l, ids, true);
    }
#endif
    (void)ids;
    (void)j;
    return 0;
}

/* The subscribed texts of one kind: resources, or tasks (told by the control character before their id). */
static void mcpt__put_subscribed(mcpt_writer *w, const mcpt_subs *subs, const char *member, bool tasks)
{
    bool any = false;
    uint32_t i;

    for (i = 0; i < subs->used; i += (uint32_t)MCPT_STRLEN(subs->uris + i) + 1) {
        if ((subs->uris[i] == '\1') != tasks) {
            continue;
        }
        if (!any) {
            mcpt_key(w, member);
            mcpt_arr(w);
            any = true;
        }
        mcpt_put_z(w, subs->uris + i + (tasks ? 1 : 0));
    }
    if (any) {
        mcpt_end(w);
    }
}

static void mcpt__put_ack(mcpt_writer *w, const mcpt_listener *l)
{
    unsigned i;

    mcpt__subs_notification(w, "notifications/subscriptions/acknowledged", l);
    mcpt__kv_obj(w, "notifications");
    for (i = 0; i < 3; i++) {
        if ((l->subs.lists >> i & 1) != 0) {
            mcpt_kv_bool(w, mcpt__nth(mcpt__list_wants, i), true);
        }
    }
    mcpt__put_subscribed(w, &l->subs, "resourceSubscriptions", false);
    mcpt__put_subscribed(w, &l->subs, "taskIds", true);
    mcpt_end(w);
    mcpt_end(w);
    mcpt_end(w);
}

static int mcpt__listen(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_hub *hub = c->hub;
    mcpt_job *j = &c->job;
    mcpt_listener *l = NULL;
    size_t i;
    int n;

    for (i = 0; i < hub->mem.nlisteners && l == NULL; i++) {
        l = hub->mem.listeners[i].conn == NULL ? &hub->mem.listeners[i] : NULL;
    }
    if (l == NULL || (c->flags & MCPT__C_SSE_OK) == 0) {
        return l == NULL ? MCPT__E_SUBSCRIPTIONS : MCPT__E_NO_STREAM;
    }
    MCPT_MEMSET(l, 0, sizeof(*l));
    n = mcpt__listen_filter(c, j, l, r->v[MCPT__R_NOTIFICATIONS]);
    if (n != 0) {
        return n;
    }
    l->id_len = (uint8_t)j->id.len;
    MCPT_MEMCPY(l->id, j->id.ptr, j->id.len);
    mcpt__sse_commit(c);
    mcpt__msg_open(c, &c->w);
    mcpt__put_ack(&c->w, l);
    if (c->w.err < 0) {
        mcpt__msg_drop(c);
        return MCPT__E_SPACE;
    }
    l->conn = c;
    mcpt__msg_close(c, &c->w, false);
    c->io.state = MCPT__X_DONE;
    if (!mcpt__is_lines(c)) {
        c->listener = l;
        c->io.state = MCPT__X_STREAM;
    }
    return 0;
}

/* Writes the next pending notification of these subscriptions, if any; l NULL: a legacy session's. */
static bool mcpt__subs_send(mcpt_conn *c, mcpt_subs *subs, const mcpt_listener *l)
{
    static const char changed[] = "notifications/tools/list_changed\0notifications/prompts/list_changed\0"
                                  "notifications/resources/list_changed";
    mcpt_writer *w = &c->w;
    const char *uri = subs->uris;
    unsigned i;

    if (subs->lists_dirty == 0 && subs->dirty == 0) {
        return false;
    }
    mcpt__msg_open(c, w);
    if (subs->lists_dirty != 0) {
        for (i = 0; (subs->lists_dirty >> i & 1) == 0; i++) { }
        subs->lists_dirty = (uint8_t)(subs->lists_dirty & ~(1u << i));
        mcpt__subs_notification(w, mcpt__nth(changed, i), l);
    } else {
        for (i = 0; (subs->dirty >> i & 1) == 0; i++) {
            uri = mcpt__nth(uri, 1);
        }
        subs->dirty &= ~((uint32_t)1 << i);
        mcpt__subs_notification(w, *uri != '\1' ? "notifications/resources/updated" : "notifications/tasks", l);
        if (*uri != '\1') {
            mcpt__kv_z(w, "uri", uri);
        }
#if !MCPT_NO_TASKS
        else {
            mcpt_slot *s = mcpt__task_find(c->hub, mcpt_z(uri + 1), NULL);

            if (s == NULL) {
                mcpt__msg_drop(c);
                return true;
            }
            mcpt__put_detailed_task(w, s);
        }
#endif
    }
    mcpt_end(w);
    mcpt_end(w);
    if (w->err < 0) {
        mcpt__msg_drop(c);            /* larger than the whole buffer: told in the log, not half sent */
        mcpt__note(c->server, MCPT_WARNING, w->err, MCPT__SAY("a notification does not fit the transmit buffer"));
        return true;
    }
    mcpt__msg_close(c, w, false);
    return true;
}

/* The last frame of a listener that the server ends (2026-07-28, subscriptions). */
static void mcpt__listen_end(mcpt_conn *c, mcpt_listener *l)
{
    mcpt_writer *w = &c->w;

    mcpt__msg_open(c, w);
    mcpt__frag(w, ",{\"jsonrpc\":\"2.0\"", 1);
    mcpt__kv_raw(w, "id", mcpt__mk(l->id, l->id_len));
    mcpt__frag(w, MCPT__DONE, 1);
    mcpt__put_subscription(w, l);
    mcpt_end(w);
    mcpt_end(w);
    mcpt__msg_close(c, w, true);
    l->conn = NULL;
}
#endif

/* -- legacy: initialize, resources/subscribe, logging/setLevel */
#if !MCPT_NO_LEGACY
static int mcpt__initialize(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    mcpt_session *s = NULL;
    char buf[16];
    mcpt_str version;
    int revision = 0;

    if ((c->flags & MCPT__C_BATCH) != 0 || c->session != NULL || mcpt__field(c, MCPT_F_MCP_SESSION_ID).ptr != NULL) {
        return MCPT__E_AGAIN;
    }
    if (mcpt__first(r->v[MCPT__R_VERSION]) != '"') {
        return MCPT__E_NO_VERSION;
    }
    if (mcpt__raw_text(r->v[MCPT__R_VERSION], buf, sizeof(buf), &version)) {
        revision = mcpt__revision(version);
    }
    j->revision = revision > 0 && revision <= MCPT_2025_11_25 ? (uint8_t)revision : (uint8_t)MCPT_2025_11_25;
    c->revision = j->revision;
    if (c->hub != NULL && c->hub->mem.nsessions != 0) {
        s = mcpt__session_new(c->hub);
        if (s == NULL) {
            return MCPT__E_NO_SESSION;
        }
        s->revision = j->revision;
        MCPT_MEMCPY(s->owner, j->owner, sizeof(s->owner));
        s->can = (uint8_t)mcpt__caps(r->v[MCPT__R_CAPS]);
        s->subs.lists = (mcpt__offers(c->server, c->hub, false) & MCPT_OFFER_LIST_CHANGED) != 0 ? 7 : 0;
        if (mcpt__is_lines(c)) {
            s->flags |= MCPT__S_LINES;
            s->conn = c;
            c->session = s;
        } else {
            c->session_id = s->id;
        }
    }
    return mcpt__generator_start(c, MCPT__G_GREETING, 0);
}

static int mcpt__set_level(mcpt_conn *c, const mcpt__rpc *r)
{
    int n = mcpt__level(r->v[MCPT__R_LEVEL]);

    if (n < 0) {
        return MCPT__E_LEVEL;
    }
    if (c->session != NULL) {
        c->session->level = (uint8_t)n;
    }
    mcpt__answer_open(c);
    return mcpt__answer_result(c);
}

#if !MCPT_NO_RESOURCES && !MCPT_NO_LISTEN
static int mcpt__subscribe(mcpt_conn *c, mcpt_str uri)
{
    int row;

    if (c->session == NULL) {
        return MCPT__E_SESSIONLESS;
    }
    if (c->job.method == MCPT__UNSUBSCRIBE) {
        mcpt__subs_remove(&c->session->subs, uri);
    } else {
        row = mcpt__find_resource(c->server, uri, c->job.who);
        if (row < 0) {
            return MCPT__E_OLD_RESOURCE;
        }
        if (!mcpt__may(c, c->server->resources[row].scopes)) {
            return mcpt__scoped(c, c->server->resources[row].scopes);
        }
        if (!mcpt__subs_add(&c->session->subs, uri)) {
            return MCPT__E_SUBSCRIPTIONS;
        }
    }
    mcpt__answer_open(c);
    return mcpt__answer_result(c);
}
#endif

/* A client's answer to a question: its id names the job and the question. */
static void mcpt__take_answer(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_str id = r->v[MCPT__R_ID];
    mcpt_str result = r->v[MCPT__R_RESULT];
    uint32_t ticket = 0;
    mcpt_doc past;
    size_t i = 1;
    mcpt_job *j;

    if (c->hub == NULL || c->session == NULL || mcpt__first(id) != '"') {
        return;
    }
    while (i < id.len && mcpt__digit(id.ptr[i]) && ticket < 65536) {
        ticket = ticket * 10 + (uint32_t)(id.ptr[i++] - '0');
    }
    if (i >= id.len || id.ptr[i] != '.') {
        return;
    }
    id = mcpt__mk(id.ptr + i + 1, id.len - i - 2);
    for (j = c->hub->jobs; j != NULL; j = j->next) {
        if (j->ticket == ticket && j->session == c->session && j->state == MCPT__J_ASKED) {
            if (j->past != 0 && mcpt__index(&past, mcpt__mk(j->tail, j->past), c->tok, c->ntok) == MCPT_OK &&
                mcpt_typeof(mcpt_get_key(mcpt_root(&past), id)) != MCPT_ABSENT) {
                return;               /* answered already */
            }
            if (mcpt__first(result) != '{') {
                result = mcpt_z("false");  /* an error: the handler is told so */
            }
            if (!mcpt__past_add(j, id, result)) {
                mcpt__note(c->server, MCPT_WARNING, MCPT_E_SPACE, MCPT__SAY("an answer does not fit the receive buffer"));
                (void)mcpt__past_add(j, id, mcpt_z("false"));
            }
            j->answered++;
            if (j->answered >= j->asked) {
                mcpt__job_wake(c->hub, j, c->server);
            }
            return;
        }
    }
}
#endif

/* Ends a suspended call's connection without an answer: its client has cancelled it. */
static void mcpt__end_unanswered(mcpt_conn *c)
{
    c->work = NULL;
    c->io.state = MCPT__X_DONE;
    if ((c->flags & MCPT__C_PIECES) != 0) {
        c->io.state = MCPT__X_CLOSED;    /* in the middle of an answer */
    } else if (c->io.mode == MCPT__M_SSE && (c->flags & MCPT__C_BATCH) == 0) {    /* a batch goes on */
        mcpt__stream_end(c);
    } else {
        mcpt__answer_empty(c, 202);
    }
}

/* notifications/cancelled: for a call of this session, or of this line connection. Too late is no error. */
static void mcpt__cancelled(mcpt_conn *c, mcpt_str id)
{
    mcpt_job *j;
    size_t i;

    if (c->hub == NULL || id.len == 0) {
        return;
    }
    for (i = 0; i < c->hub->mem.nlisteners; i++) {
        mcpt_listener *l = &c->hub->mem.listeners[i];

        if (mcpt__is_lines(c) && l->conn == c && mcpt_str_eq(mcpt__mk(l->id, l->id_len), id)) {
            l->conn = NULL;
            return;
        }
    }
    for (j = c->hub->jobs; j != NULL; j = j->next) {
        bool mine = (mcpt__is_lines(c) && j->conn == c) || (c->session != NULL && j->session == c->session);

        if (mine && (j->flags & MCPT__J_TASK) == 0 && mcpt_str_eq(j->id, id)) {
            mcpt_conn *at = j->conn;
            bool waits = at != NULL && at->work == j;

            mcpt__cancel(c->hub, c->server, j);
            if (waits) {
                mcpt__end_unanswered(at);
                mcpt__ready(c->hub, at);
            }
            return;
        }
    }
}

/* -- after all checks of its era: the method itself */
static int mcpt__method(mcpt_conn *c, const mcpt__rpc *r)
{
    switch (c->job.method) {
    case MCPT__DISCOVER: return mcpt__generator_start(c, MCPT__G_GREETING, 0);
    case MCPT__TOOLS_LIST: return mcpt__list(c, r, MCPT_KIND_TOOL);
#if !MCPT_NO_RESOURCES
    case MCPT__RESOURCES_LIST: return mcpt__list(c, r, MCPT_KIND_RESOURCE);
    case MCPT__TEMPLATES_LIST: return mcpt__list(c, r, MCPT_KIND_TEMPLATE);
    case MCPT__RESOURCES_READ: return mcpt__read_start(c, r);
#endif
#if !MCPT_NO_PROMPTS
    case MCPT__PROMPTS_LIST: return mcpt__list(c, r, MCPT_KIND_PROMPT);
#endif
#if !MCPT_NO_COMPLETION
    case MCPT__COMPLETE: return mcpt__complete_start(c, r);
#endif
#if !MCPT_NO_LISTEN
    case MCPT__LISTEN: return mcpt__listen(c, r);
#endif
#if !MCPT_NO_TASKS
    case MCPT__TASKS_GET: case MCPT__TASKS_UPDATE: case MCPT__TASKS_CANCEL: return mcpt__task_method(c, r);
#endif
#if !MCPT_NO_LEGACY
    case MCPT__INITIALIZE: return mcpt__initialize(c, r);
    case MCPT__PING: mcpt__answer_open(c); return mcpt__answer_result(c);
    case MCPT__SET_LEVEL: return mcpt__set_level(c, r);
#if !MCPT_NO_RESOURCES && !MCPT_NO_LISTEN
    case MCPT__SUBSCRIBE: case MCPT__UNSUBSCRIBE: return mcpt__subscribe(c, r->name);
#endif
#endif
    default: return mcpt__call_start(c, r);    /* tools/call, prompts/get */
    }
}

static int mcpt__method_checked(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    bool modern = mcpt__modern(j);
    unsigned need = j->method < MCPT__METHOD_COUNT ? mcpt__method_rows[j->method].need : 0x8000u;

    if ((mcpt__offers(c->server, c->hub, modern) & need) != need) {
        return modern ? MCPT__E_METHOD : MCPT__E_OLD_METHOD;
    }
    j->name.len = 0;
    if (mcpt__method_rows[j->method].subject != 0) {
        if (r->name.ptr == NULL) {
            return MCPT__E_NAME;
        }
        j->name = r->v[mcpt__method_rows[j->method].subject];
    }
    return mcpt__method(c, r);
}

/* -- modern requests: the validation ladder (2026-07-28, basic/transports and basic/versioning) */
static int mcpt__modern_request(mcpt_conn *c, const mcpt__rpc *r, mcpt_str method)
{
    mcpt_str version = r->v[MCPT__R_M_VERSION];
    mcpt_str level = r->v[MCPT__R_M_LEVEL];
    mcpt_job *j = &c->job;
    int n;

    j->revision = MCPT_2026_07_28;
    c->flags |= MCPT__C_MODERN;
    if (mcpt__first(version) != '"' || mcpt__first(j->caps) != '{') {
        return MCPT__E_META;
    }
    j->name = r->v[MCPT__R_M_VERSION];    /* what a refusal repeats */
    version = mcpt__mk(version.ptr + 1, version.len - 2);
    if (!mcpt__is_lines(c)) {
        c->session = NULL;
        if (!mcpt_str_eq(mcpt__field(c, MCPT_F_MCP_PROTOCOL_VERSION), version)) {
            return MCPT__E_H_VERSION;
        }
    }
    if (!mcpt__str_is(version, "2026-07-28")) {
        return MCPT__E_VERSION;
    }
    if (!mcpt__is_lines(c)) {
        if (!mcpt__header_is(mcpt__field(c, MCPT_F_MCP_METHOD), method)) {
            return MCPT__E_H_METHOD;
        }
        if (r->name.ptr != NULL && (mcpt__method_rows[j->method].need & MCPT__F_LEGACY) == 0 && !mcpt__header_is(mcpt__field(c, MCPT_F_MCP_NAME), r->name)) {
            return MCPT__E_H_NAME;
        }
    }
    if (level.len != 0) {
        n = mcpt__level(level);
        if (n < 0) {
            return MCPT__E_LEVEL;
        }
        j->level = (uint8_t)n;
    }
    return mcpt__method_checked(c, r);
}

#if !MCPT_NO_LEGACY
/* Finds the session or the revision of a legacy message. */
static MCPT__APART int mcpt__legacy_context(mcpt_conn *c, bool initialize)
{
    bool sessions = c->hub != NULL && c->hub->mem.nsessions != 0;
    mcpt_str field;
    int revision = MCPT_2025_03_26;
    uint8_t owner[16];

    if (mcpt__is_lines(c)) {
        if (c->revision == 0) {
            c->revision = MCPT_2025_11_25;    /* a client that skips the handshake */
        }
        return 0;
    }
    if ((c->flags & MCPT__C_BATCH) != 0) {    /* known since its beginning */
        return sessions && c->session == NULL ? MCPT__E_SESSION : 0;
    }
    c->session = NULL;
    if (initialize) {
        return 0;
    }
    if (sessions) {
        field = mcpt__field(c, MCPT_F_MCP_SESSION_ID);
        if (field.ptr == NULL) {
            return MCPT__E_INITIALIZE;
        }
        mcpt__owner(c, owner);
        c->session = mcpt__session_find(c->hub, field);
        if (c->session != NULL && !mcpt_same(c->session->owner, owner, sizeof(owner))) {
            c->session = NULL;        /* another principal's */
        }
        if (c->session == NULL) {
            return MCPT__E_SESSION;
        }
    }
    field = mcpt__field(c, MCPT_F_MCP_PROTOCOL_VERSION);
    if (field.ptr != NULL) {
        revision = mcpt__revision(field);
    }
    if (revision == 0 || revision > MCPT_2025_11_25) {
        return MCPT__E_OLD_VERSION;
    }
    c->revision = c->session != NULL ? c->session->revision : (uint8_t)revision;
    return 0;
}

static int mcpt__legacy_request(mcpt_conn *c, const mcpt__rpc *r)
{
    mcpt_job *j = &c->job;
    int n = mcpt__legacy_context(c, j->method == MCPT__INITIALIZE);

    if (n != 0) {
        return n;
    }
    j->revision = c->revision;
    j->session = c->session;
    j->level = c->session != NULL ? c->session->level : (uint8_t)MCPT_INFO;
    return mcpt__method_checked(c, r);
}
#endif

/* Is this a message of the modern era? The body decides; a header is only asked where the body says nothing. */
static bool mcpt__claims_modern(const mcpt_conn *c, const mcpt__rpc *r, bool initialize)
{
    mcpt_str header;

    if (MCPT_NO_LEGACY || r->v[MCPT__R_M_VERSION].len != 0) {
        return true;
    }
    if (initialize || (c->flags & MCPT__C_BATCH) != 0) {
        return false;
    }
    header = mcpt__field(c, MCPT_F_MCP_PROTOCOL_VERSION);
    return header.ptr != NULL && (unsigned)mcpt__revision(header) - 1u >= MCPT_2025_11_25;
}

/* -- a message without an id, or an answer: nothing comes back but 202 */
static int mcpt__one_way(mcpt_conn *c, const mcpt__rpc *r, mcpt_str method)
{
    bool answer = r->v[MCPT__R_METHOD].len == 0;

    if (mcpt__claims_modern(c, r, false)) {
        if (answer && !mcpt__is_lines(c)) {
            return MCPT__E_RESPONSE;
        }
    }
#if !MCPT_NO_LEGACY
    else {
        int n = mcpt__legacy_context(c, false);

        if (n != 0) {
            return n;
        }
    }
    if (answer) {
        mcpt__take_answer(c, r);
    }
#endif
    if (mcpt__str_is(method, "notifications/cancelled")) {
        mcpt__cancelled(c, r->v[MCPT__R_REQUEST_ID]);
    }
    mcpt__answer_empty(c, 202);
    return 0;
}

/* Is a scanned message a JSON-RPC 2.0 message? */
static bool mcpt__rpc_ok(const mcpt__rpc *r)
{
    char method = mcpt__first(r->v[MCPT__R_METHOD]);
    char params = mcpt__first(r->v[MCPT__R_PARAMS]);

    return mcpt__str_is(r->v[MCPT__R_JSONRPC], "\"2.0\"") &&
           (r->v[MCPT__R_ID].len == 0 || mcpt__id_ok(r->v[MCPT__R_ID])) &&
           (method == '"' || (method == '\0' && (r->v[MCPT__R_RESULT].len != 0 || r->v[MCPT__R_ERROR].len != 0))) &&
           (params == '\0' || params == '{');
}

/* Scans and routes one message. Answers 0 when it is answered (or suspended, or silence is what the protocol wants),
 * a fault, or MCPT__E_RUN. */
static MCPT__APART int mcpt__message(mcpt_conn *c, const char *text, size_t len)
{
    char buf[MCPT_MAX_NAME];
    mcpt__rpc r;
    mcpt_job *j = &c->job;
    mcpt_str method = mcpt__mk(NULL, 0);
    mcpt_err e = mcpt__rpc_scan(&r, text, len);
    int number;

    c->status = 200;
    MCPT_MEMSET(j, 0, sizeof(*j));
    if (e < 0) {
        return mcpt__fault_scan(e);
    }
    j->text = text;
    if (mcpt__id_ok(r.v[MCPT__R_ID])) {
        j->id = r.v[MCPT__R_ID];
    }
    if (!mcpt__rpc_ok(&r)) {
        return MCPT__E_MESSAGE;
    }
    if (r.v[MCPT__R_METHOD].len == 0) {
        j->id.len = 0;                /* an answer: its id is no request's */
    } else if (!mcpt__raw_text(r.v[MCPT__R_METHOD], buf, sizeof(buf), &method)) {
        method = mcpt_z("");          /* longer than any method there is */
    }
    if (j->id.len == 0) {
        return mcpt__one_way(c, &r, method);
    }
    r.name = mcpt__mk(NULL, 0);
    number = mcpt__find_name(mcpt__methods, method);
    if (number < 0) {
        number = MCPT__METHOD_COUNT;
    } else {
        if (method.ptr == buf) {      /* that is wanted for the name */
            method.ptr = mcpt__nth(mcpt__methods, (unsigned)number);
        }
        if (mcpt__method_rows[number].subject == 0 ||
            !mcpt__raw_text(r.v[mcpt__method_rows[number].subject], buf, sizeof(buf), &r.name)) {
            r.name = mcpt__mk(NULL, 0);
        }
    }
    mcpt__job_init(c, j, &r, number);
#if !MCPT_NO_LEGACY
    if (!mcpt__claims_modern(c, &r, number == MCPT__INITIALIZE)) {
        return mcpt__legacy_request(c, &r);
    }
#endif
    return mcpt__modern_request(c, &r, method);
}

/* The same, to the end. */
static void mcpt__message_run(mcpt_conn *c, const char *text, size_t len)
{
    int n = mcpt__message(c, text, len);

    if (n == MCPT__E_RUN) {
        mcpt__job_run(c->hub, c->server, &c->job);
    } else if (n != 0) {
        mcpt__refuse(c, &c->job, n);
    }
}

/* >>http-in: implementation -------------------------------------------------------------------------------
 * Requests in: the guard, what a head can be refused for, bodies, and the legacy era's GET and DELETE. */
enum { MCPT__SKIP_MAX = 65536 };      /* bytes of a refused body that are read and thrown away to keep the connection */

/* -- the guard: who may call at all (2026-07-28, basic/transports, security) */
#if !MCPT_NO_HTTP
static bool mcpt__listed_in(const char *const *list, size_t n, mcpt_str s)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (mcpt_str_ieq(s, list[i])) {
            return true;
        }
    }
    return false;
}

/* Where the digits at the end begin. */
static size_t mcpt__digits_from(mcpt_str s)
{
    size_t n = s.len;

    while (n != 0 && mcpt__digit(s.ptr[n - 1])) {
        n--;
    }
    return n;
}

/* A rebinding attack reaches the device under a name of the attacker's; an address literal is no name. */
static bool mcpt__host_ok_here(const mcpt_identity *id, mcpt_str host)
{
    size_t n = mcpt__digits_from(host);

    if (id != NULL && (id->any_host || mcpt__listed_in(id->hosts, id->nhosts, host))) {
        return true;
    }
    return host.ptr[0] == '[' ||      /* a valid host whose last label is a number is four octets */
           (n != 0 && n != host.len && host.ptr[n - 1] == '.') || mcpt_str_ieq(host, "localhost");
}

/* A Host field that the head's parser has checked already, without checking it again. */
static mcpt_str mcpt__host_cut(mcpt_str field)
{
    size_t n = mcpt__digits_from(field);

    return mcpt__mk(field.ptr, n > 1 && field.ptr[n - 1] == ':' ? n - 1 : field.len);
}

static bool mcpt__host_check(const mcpt_conn *c)
{
    const mcpt_identity *id = c->server->identity;
    mcpt_str field = mcpt__authority(c);
    mcpt_str host = mcpt__mk(NULL, 0);
    uint16_t port;

    if (field.ptr == NULL) {
        return id != NULL && id->any_host;
    }
    if (!mcpt__is_hosted(c)) {
        host = mcpt__host_cut(field);
    } else if (!mcpt_authority_split(field, &host, &port)) {
        return false;
    }
    return mcpt__host_ok_here(id, host);
}

static bool mcpt__accepts(const mcpt_conn *c, const char *media)
{
    bool any = false;
    size_t i;

    if (!mcpt__is_hosted(c)) {
        return mcpt_head_accepts(&c->head, c->io.rx, media);
    }
    for (i = 0; i < c->request->nfields; i++) {
        any = any || (mcpt_str_ieq(c->request->fields[i].name, "accept") &&
                      mcpt_accepts(c->request->fields[i].value, media));
    }
    return any;
}

/* -- a request's head: everything that can be refused, or answered, before the body is read. 0: go on */
static uint8_t mcpt__route(const mcpt_server *s, mcpt_str path)
{
    if (mcpt_str_is(path, mcpt__path(s))) {
        return MCPT__ROUTE_MCP;
    }
#if !MCPT_NO_PAIRING
    if (mcpt__pairs(s->guard)) {
        static const char names[] = "/authorize\0/token\0/register\0/revoke\0";
        const char *name = names;
        uint8_t route = MCPT__ROUTE_AUTHORIZE;

        for (; *name != '\0'; name += MCPT_STRLEN(name) + 1, route++) {
            if (mcpt_str_is(path, name)) {
                return route;
            }
        }
    }
#endif
#if !MCPT_NO_GUARD
    return mcpt__document_route(s, path);
#else
    return MCPT__ROUTE_NONE;
#endif
}

static bool mcpt__origin_check(const mcpt_conn *c)
{
    const mcpt_identity *id = c->server->identity;
    mcpt_str origin = mcpt__field(c, MCPT_F_ORIGIN);
    mcpt_str field = mcpt__authority(c);
    mcpt_str host;
    uint16_t port;
    mcpt_url url;

    if (origin.ptr == NULL || (id != NULL && (id->any_origin || mcpt__listed_in(id->origins, id->norigins, origin)))) {
        return true;
    }
    if (!mcpt_url_split(origin, &url) || url.path.len != 0 || url.query.ptr != NULL) {
        return false;                 /* "null" among them */
    }
    return field.ptr != NULL && mcpt_authority_split(field, &host, &port) &&
           ((mcpt__loopback(url.host) && mcpt__loopback(host)) || (mcpt_str_eq(url.host, host) && url.port == port));
}

#if !MCPT_NO_GUARD
/* What comes before the token: preflights, documents. 0: nothing of that. */
static uint16_t mcpt__head_public(mcpt_conn *c, mcpt_str method)
{
    size_t origin = mcpt__field(c, MCPT_F_ORIGIN).len;

    if (mcpt__str_is(method, "HEAD")) {
        c->flags |= MCPT__C_HEAD;
    }
    if (c->route != MCPT__ROUTE_MCP) {
        c->allow = "GET, HEAD, OPTIONS";
        return mcpt__str_is(method, "OPTIONS") ? 204 : mcpt__str_is(method, "GET") || mcpt__str_is(method, "HEAD") ?
               mcpt__document_ready(c) : 405;
    }
    if (origin != 0 && origin <= 128 && c->io.tx_cap >= 1024) {
        c->flags |= MCPT__C_CORS;
        mcpt__tx_reset(c);
    }
    return mcpt__str_is(method, "OPTIONS") ? 204 : mcpt__authorize(c, method);
}
#endif

static uint16_t mcpt__head_check(mcpt_conn *c, mcpt_str method, mcpt_str path)
{
    mcpt_str accept = mcpt__field(c, MCPT_F_ACCEPT);
    mcpt_str type = mcpt__field(c, MCPT_F_CONTENT_TYPE);
    mcpt_str coding = mcpt__field(c, MCPT_F_CONTENT_ENCODING);
    uint16_t status = 0;

    c->route = mcpt__route(c->server, path);
    if (c->route == MCPT__ROUTE_NONE) {
        return 404;
    }
    if (!mcpt__host_check(c) || (c->route == MCPT__ROUTE_MCP && !mcpt__origin_check(c))) {
        return 403;
    }
#if !MCPT_NO_PAIRING
    if (c->route > MCPT__ROUTE_AS) {
        return c->server->guard->pairing->face->head(c, method, type, coding, mcpt__origin_check(c));
    }
#endif
#if !MCPT_NO_GUARD
    status = mcpt__head_public(c, method);
    if (status != 0) {
        return status;
    }
#endif
    c->allow = MCPT_NO_LEGACY || c->hub == NULL || c->hub->mem.nsessions == 0 ? "POST" : "GET, POST, DELETE";
    if (!mcpt__str_is(method, "POST")) {
        bool legacy = c->allow[0] == 'G' && (mcpt__str_is(method, "GET") || mcpt__str_is(method, "DELETE"));

        if (!legacy || mcpt__revision(mcpt__field(c, MCPT_F_MCP_PROTOCOL_VERSION)) == MCPT_2026_07_28) {
            return 405;
        }
        return mcpt__str_is(method, "GET") && accept.ptr != NULL && !mcpt__accepts(c, "text/event-stream") ? 406 : 0;
    }
    if (!mcpt__str_is(type, "application/json")) {          /* as clients write it; else without parameters and case */
        status = mcpt_str_ieq(mcpt__media_type(type), "application/json") ? 0 : 415;
    }
    if (status != 0 || (coding.ptr != NULL && !mcpt_str_ieq(coding, "identity"))) {
        return 415;
    }
    if (mcpt__str_is(accept, "application/json, text/event-stream")) {
        c->flags |= MCPT__C_JSON_OK | MCPT__C_SSE_OK;    /* what every client sends */
        return 0;
    }
    c->flags &= ~(uint32_t)(MCPT__C_JSON_OK | MCPT__C_SSE_OK);
    if (accept.ptr == NULL || mcpt__accepts(c, "application/json")) {
        c->flags |= MCPT__C_JSON_OK;
    }
    if (accept.ptr != NULL && mcpt__accepts(c, "text/event-stream")) {
        c->flags |= MCPT__C_SSE_OK;
    }
    return (c->flags & (MCPT__C_JSON_OK | MCPT__C_SSE_OK)) == 0 ? 406 : 0;
}

/* -- legacy GET and DELETE */
#if !MCPT_NO_LEGACY
static bool mcpt__unhex32(mcpt_str s, size_t *i, uint32_t *v)
{
    size_t from = *i;

    *v = 0;
    while (*i < s.len && *i - from < 8 && mcpt__hex(s.ptr[*i]) >= 0) {
        *v = *v << 4 | (uint32_t)mcpt__hex(s.ptr[(*i)++]);
    }
    return *i != from;
}

/* Takes a suspended legacy call off its connection, into a slot. False: there is none. */
static bool mcpt__detach(mcpt_conn *c)
{
    mcpt_job *j = c->work;
    mcpt_slot *s = j->slot != NULL ? j->slot : mcpt__park(c->hub, j);

    if (s == NULL) {
        return false;
    }
    j = &s->job;
    j->conn = NULL;
    j->stream = c->stream;
    j->flags = (uint8_t)(j->flags & ~MCPT__J_EVENTS);
    if ((j->flags & MCPT__J_TIMED) != 0) {
        mcpt__job_alarm(c->hub, j, j->wake_at);
    }
    c->work = NULL;
    return true;
}

/* The suspended call of a stream, free of the connection it had: that may be dead without anybody having noticed. */
static mcpt_job *mcpt__stream_job(mcpt_hub *hub, const mcpt_session *s, uint32_t stream)
{
    mcpt_job *j;

    for (j = hub->jobs; j != NULL; j = j->next) {
        mcpt_conn *old = j->conn;

        if (j->session == s && old != NULL && old->work == j && old->stream == stream &&
            (old->flags & (MCPT__C_BATCH | MCPT__C_PIECES)) == 0 && mcpt__detach(old)) {
            mcpt__ready(hub, old);    /* ends there */
            break;                    /* the list has changed */
        }
    }
    for (j = hub->jobs; j != NULL && (j->session != s || j->conn != NULL || j->stream != stream); j = j->next) { }
    return j;
}

/* Makes c the session's stream: the newest wins, the old one may be a connection that died unnoticed. */
static void mcpt__session_stream(mcpt_conn *c, mcpt_session *s)
{
    if (s->conn != NULL) {
        s->conn->session = NULL;
        mcpt__ready(c->hub, s->conn);
    }
    s->conn = c;
}

/* Sends what the client has missed of a stream, and goes on with it when its call is still in work. False: there is
 * nothing of it any more, or it never was. */
static bool mcpt__replay(mcpt_conn *c, mcpt_session *s, mcpt_str last)
{
    uint32_t stream;
    uint32_t seq;
    size_t i = 0;
    mcpt_job *j;

    if (!mcpt__unhex32(last, &i, &stream) || i >= last.len || last.ptr[i] != '-') {
        return false;
    }
    i++;
    if (!mcpt__unhex32(last, &i, &seq) || i != last.len || stream == 0 || stream > s->streams || seq > s->seq) {
        return false;
    }
    j = mcpt__stream_job(c->hub, s, stream);
    if (j == NULL && stream != s->get_stream && mcpt__replay_next(s, stream, seq) == NULL) {
        return false;
    }
    mcpt__head_commit(c, true, -1);
    c->stream = stream;
    c->piece = seq;                   /* what has been sent of it */
    c->piece_at = 0;
    if (j != NULL) {
        j->conn = c;
        j->flags |= MCPT__J_EVENTS;
        c->work = j;
    }
    if (stream == s->get_stream) {
        mcpt__session_stream(c, s);   /* the standalone stream goes on here */
    }
    c->io.state = MCPT__X_STREAM;
    c->generator = MCPT__G_STATIC;    /* replaying */
    return true;
}

static int mcpt__get(mcpt_conn *c)
{
    mcpt_session *s = c->session;
    mcpt_str last = mcpt__field(c, MCPT_F_LAST_EVENT_ID);

    c->flags |= MCPT__C_SSE_OK;
    if (last.ptr != NULL) {
        return s->replay_cap != 0 && mcpt__replay(c, s, last) ? 0 : MCPT__E_EVENTS;
    }
    mcpt__session_stream(c, s);
    mcpt__sse_commit(c);
    s->get_stream = c->stream;
    c->io.state = MCPT__X_STREAM;
    c->generator = MCPT__G_NONE;
    return 0;
}

static void mcpt__get_or_delete(mcpt_conn *c, bool get)
{
    int n = mcpt__legacy_context(c, false);

    if (n == 0 && get) {
        n = mcpt__get(c);
    } else if (n == 0) {
        mcpt__session_end(c->hub, c->session);
        c->session = NULL;
        mcpt__answer_empty(c, 204);
    }
    if (n != 0) {
        mcpt__refuse(c, NULL, n);
    }
}

/* The next missed event of a resumed stream, or as much of it as there is room for. False: all were sent. */
static bool mcpt__replay_step(mcpt_conn *c)
{
    const char *rec = c->session != NULL ? mcpt__replay_next(c->session, c->stream, c->piece) : NULL;
    uint32_t len;
    uint32_t room;

    if (c->piece_at != 0 && (rec == NULL || mcpt__replay_get(rec + 4) != c->piece_n)) {
        c->io.err = MCPT_E_SPACE;     /* the rest of an event was dropped while its beginning was sent */
        c->io.state = MCPT__X_CLOSED;
        return true;
    }
    if (rec == NULL) {
        return false;
    }
    c->piece_n = mcpt__replay_get(rec + 4);
    len = mcpt__replay_get(rec + 8) - c->piece_at;
    mcpt__chunk_open(c);
    if (c->piece_at == 0) {
        mcpt__event_begin(c, c->piece_n);
    }
    room = c->io.tx_cap - c->io.tx_len - mcpt__tail_room(c);
    room = room < len ? room : len;
    MCPT_MEMCPY(mcpt__tx_end(c), rec + 12 + c->piece_at, room);
    c->io.tx_len += room;
    c->piece_at += room;
    if (room == len) {
        mcpt__tx_add(c, "\n\n");
        c->piece = c->piece_n;
        c->piece_at = 0;
    }
    mcpt__chunk_close(c, false);
    return true;
}
#endif

/* -- reading a request */
static void mcpt__request_reset(mcpt_conn *c)
{
    c->flags &= MCPT__C_EXPIRED;
    c->io.mode = MCPT__M_NONE;
    c->status = 200;
    c->who = NULL;
    c->verdict = NULL;
    c->refusal = 0;
    c->need = NULL;
    c->told = false;
    c->session = NULL;
    c->session_id = NULL;
    c->stream = 0;
    c->generator = MCPT__G_NONE;
    c->batch = 0;
    mcpt__tx_reset(c);
}

/* After the answer: bytes of the next request move to the front. */
static void mcpt__next_request(mcpt_conn *c)
{
    uint32_t rest = c->io.rx_len - c->end;

    MCPT_MEMMOVE(c->io.rx, c->io.rx + c->end, rest);
    c->io.rx_len = rest;
    c->end = 0;
    c->who = NULL;
    c->verdict = NULL;
    mcpt_head_init(&c->head, false);
    MCPT_MEMSET(&c->chunked, 0, sizeof(c->chunked));
    c->io.tx_at = c->io.tx_len = 0;
    c->io.state = MCPT__X_READ;
}

/* Refuses a request for its head, by an HTTP status. */
static void mcpt__refuse_head(mcpt_conn *c, int status, bool close)
{
    if (close) {
        c->flags |= MCPT__C_CLOSE;
        mcpt__tx_reset(c);
    }
#if !MCPT_NO_GUARD
    if (status == 200) {
        mcpt__document(c);
        return;
    }
    if (status == 204) {
        mcpt__preflight(c);
        return;
    }
    if (c->refusal == 0 && (c->flags & MCPT__C_HEAD) != 0) {
        mcpt__answer_empty(c, (uint16_t)status);
        return;
    }
#endif
#if !MCPT_NO_PAIRING
    if (status == MCPT__PAIRING) {
        c->server->guard->pairing->face->get(c);
        return;
    }
#endif
    mcpt__refuse(c, NULL, status);
}

/* The head is complete: refuse it, or make ready for the body. */
static void mcpt__head_done(mcpt_conn *c)
{
    const mcpt_head *h = &c->head;
    mcpt_str method = mcpt__cut(c->io.rx, h->method);
    mcpt_str path = mcpt__cut(c->io.rx, h->target);
    const char *query = (const char *)MCPT_MEMCHR(path.ptr, '?', path.len);
    bool body = (h->flags & (MCPT_HEAD_CHUNKED | MCPT_HEAD_LENGTH)) != 0;
    bool post = mcpt__str_is(method, "POST");
    int status;

    mcpt__request_reset(c);
    if (query != NULL) {
        path.len = (size_t)(query - path.ptr);
    }
    c->flags |= h->minor != 0 ? MCPT__C_CHUNKED : MCPT__C_CLOSE;
    if ((h->flags & MCPT_HEAD_CLOSE) != 0) {
        c->flags |= MCPT__C_CLOSE;
    }
    c->body = h->at;
    c->body_len = 0;
    c->end = h->at;
    status = mcpt__head_check(c, method, path);
    if (status == MCPT__VERIFYING) {
        return;
    }
    if (status == 0 && post && !body) {
        status = 411;
    }
    if (status == 0 && h->length > c->io.rx_cap - h->at) {
        status = 413;
    }
    if (status == 0 && !post && body) {
        mcpt__refuse_head(c, 400, true);
    } else if (status != 0 && body && (h->flags & (MCPT_HEAD_CHUNKED | MCPT_HEAD_CONTINUE)) == 0 && h->length <= MCPT__SKIP_MAX) {
        c->status = (uint16_t)status;
        c->batch = (uint32_t)h->length;
        c->io.state = MCPT__X_SKIP;
    } else if (status != 0) {
        mcpt__refuse_head(c, status, body);
#if !MCPT_NO_LEGACY
    } else if (!post) {
        mcpt__get_or_delete(c, mcpt__str_is(method, "GET"));
#endif
    } else {
        c->io.state = MCPT__X_BODY;
        if ((h->flags & MCPT_HEAD_CONTINUE) != 0 && c->io.rx_len == h->at) {    /* the client waits for leave to send its body */
            c->io.tx_at = 0;
            c->io.tx_len = 0;
            mcpt__tx_add(c, "HTTP/1.1 100 Continue\r\n\r\n");
        }
    }
}

static bool mcpt__read_head(mcpt_conn *c)
{
    mcpt_head *h = &c->head;
    mcpt_err e;

    if (c->io.rx_len == 0) {
        return false;
    }
    e = mcpt_head_parse(h, c->io.rx, c->io.rx_len);
    if (e == MCPT_OK) {
        mcpt__head_done(c);
        return true;
    }
    if (e == MCPT_PENDING && c->io.rx_len < c->io.rx_cap) {
        return false;
    }
    mcpt__request_reset(c);
    mcpt__refuse_head(c, e < 0 ? h->status : h->line ? 431 : 414, true);
    return true;
}

/* Collects the body. True: complete or refused. */
static bool mcpt__read_body(mcpt_conn *c)
{
    const mcpt_head *h = &c->head;

    if ((h->flags & MCPT_HEAD_CHUNKED) != 0) {
        size_t len = c->io.rx_len - c->body - c->body_len;
        size_t all = len;
        size_t used = 0;
        char *at = c->io.rx + c->body + c->body_len;
        mcpt_err e = mcpt_chunked_decode(&c->chunked, at, &len, &used);

        if (e < 0) {
            mcpt__refuse_head(c, 400, true);
            return true;
        }
        MCPT_MEMMOVE(at + len, at + used, all - used);
        c->io.rx_len -= (uint32_t)(used - len);
        c->body_len += (uint32_t)len;
        c->end = c->body + c->body_len;
        if (e == MCPT_PENDING) {
            if (c->io.rx_len == c->io.rx_cap) {
                mcpt__refuse_head(c, 413, true);
                return true;
            }
            return false;
        }
    } else {
        if (c->io.rx_len - c->body < h->length) {
            return false;
        }
        c->body_len = (uint32_t)h->length;
        c->end = c->body + c->body_len;
    }
    mcpt__tx_reset(c);
    c->io.state = MCPT__X_MESSAGE;
    return true;
}

/* Throws the refused body away, then refuses. */
static bool mcpt__skip_body(mcpt_conn *c)
{
    uint32_t have = c->io.rx_len - c->body;

    if (have < c->batch) {
        c->batch -= have;
        c->io.rx_len = c->body;
        return false;
    }
    MCPT_MEMMOVE(c->io.rx + c->body, c->io.rx + c->body + c->batch, have - c->batch);
    c->io.rx_len -= c->batch;
    c->batch = 0;
    c->end = c->body;
    mcpt__refuse_head(c, c->status, false);
    return true;
}

#if !MCPT_NO_HOSTED
static void mcpt__hosted_begin(mcpt_conn *c)
{
    const mcpt_request *r = c->request;
    uint16_t status;

    mcpt__request_reset(c);
    mcpt__verdict_host(c, r->who);
    status = mcpt__head_check(c, r->method, r->path);
    if (status == MCPT__VERIFYING) {
        return;
    }
    if (r->no_stream) {
        c->flags &= ~(uint32_t)MCPT__C_SSE_OK;
    }
    if (status != 0) {
        mcpt__refuse_head(c, status, false);
    } else if (mcpt__str_is(r->method, "POST")) {
        c->io.state = MCPT__X_MESSAGE;
#if !MCPT_NO_LEGACY
    } else {
        mcpt__get_or_delete(c, mcpt__str_is(r->method, "GET"));
#endif
    }
}

MCPT_API bool mcpt_server_serves(const mcpt_server *s, mcpt_str path)
{
    return mcpt__route(s, path) != MCPT__ROUTE_NONE;
}
#endif
#endif

/* >>conn: implementation ----------------------------------------------------------------------------------
 * The state machine of a connection: read a request, answer it, again; or hold a stream open. */
/* -- a connection's life */
MCPT_API mcpt_err mcpt_conn_mem(mcpt_conn *c, const mcpt_mem *mem)
{
    if (c->io.rx != NULL && !mcpt_conn_idle(c)) {
        return MCPT_E_STATE;
    }
    if (mem == NULL) {
        if (c->io.rx_len > c->end) {
            c->flags |= MCPT__C_CLOSE;    /* requests behind an event stream: none of them will be answered here */
        }
        c->io.rx = c->io.tx = NULL;
        c->io.rx_cap = c->io.tx_cap = c->io.rx_len = c->end = c->io.tx_at = c->io.tx_len = 0;
        return MCPT_OK;
    }
    if (mem->rx == NULL || mem->tx == NULL || mem->rx_size < MCPT_RX_MIN || mem->tx_size < MCPT_TX_MIN ||
        mem->rx_size > 0x7fffffff || mem->tx_size > 0xffffff || (mem->tok == NULL && mem->ntok != 0)) {
        return MCPT_E_ARG;
    }
    c->io.rx = (char *)mem->rx;
    c->io.rx_cap = (uint32_t)mem->rx_size;
    c->io.tx = (char *)mem->tx;
    c->io.tx_cap = (uint32_t)mem->tx_size;
    c->tok = mem->tok;
    c->ntok = (uint32_t)mem->ntok;
    return MCPT_OK;
}

static unsigned mcpt__conn_run(mcpt_io *io);

MCPT_API mcpt_err mcpt_conn_init_(mcpt_conn *c, const mcpt_server *s, mcpt_hub *hub, const mcpt_mem *mem,
                                  mcpt_framing framing, void *user, uint32_t abi)
{
    if (abi != MCPT_ABI) {
        return MCPT_E_ABI;
    }
    if (c == NULL || s == NULL || s->env == NULL || s->env->millis == NULL || s->name == NULL || s->version == NULL) {
        return MCPT_E_ARG;
    }
    if ((MCPT_NO_LINES && framing == MCPT_LINES) || (MCPT_NO_HTTP && framing != MCPT_LINES) ||
        (s->guard != NULL && framing != MCPT_LINES && (MCPT_NO_GUARD || hub == NULL || hub->mem.nverdicts == 0))) {
        return MCPT_E_ARG;
    }
    MCPT_MEMSET(c, 0, sizeof(*c));
    c->io.run = mcpt__conn_run;
    c->io.want = framing == MCPT_HOSTED ? 0 : MCPT_WANT_RX;
    c->server = s;
    c->hub = hub;
    c->user = user;
    c->io.framing = (uint8_t)framing;
    c->io.mode = framing == MCPT_LINES ? MCPT__M_LINES : MCPT__M_NONE;
    c->timer = MCPT__TIMER_NONE;
    if (framing == MCPT_HTTP) {
        mcpt__timer_start(c, MCPT__TIMER_IDLE);
    }
    return mem != NULL ? mcpt_conn_mem(c, mem) : MCPT_OK;
}

MCPT_API bool mcpt_conn_idle(const mcpt_conn *c)
{
    bool quiet = c->io.tx_at == c->io.tx_len && c->io.framing == MCPT_HTTP && c->io.eof == 0;

    if (c->io.state == MCPT__X_STREAM) { /* an open event stream with nothing to say */
        return quiet && c->generator == MCPT__G_NONE;
    }
    return quiet && c->io.state == MCPT__X_READ && c->io.rx_len == 0;
}

MCPT_API bool mcpt_conn_spare(const mcpt_conn *c)
{
    return c->io.state == MCPT__X_READ && c->io.peak_rx != 0 && mcpt_conn_idle(c);
}

/* -- running the message in rx */
/* Finds the next element of a batch behind c->batch. False: none. Elements were checked by the scanner. */
#if !MCPT_NO_LEGACY
static bool mcpt__batch_next(mcpt_conn *c, const char *text, size_t len, mcpt_str *element)
{
    mcpt__sch_text t;

    mcpt__sch_open(&t, mcpt__mk(text, len));
    t.p += c->batch;
    if (!mcpt__sch_next(&t, ']') || mcpt__sch_value(&t, element) == MCPT_ABSENT) {
        return false;
    }
    c->batch = (uint32_t)(t.p - text);
    return true;
}

/* A fault of a batch that stands behind c->batch, or 0; *asks: somebody wants an answer. */
static MCPT__APART int mcpt__batch_check(mcpt_conn *c, const char *text, size_t len, bool *asks)
{
    mcpt_scan scan;
    mcpt__rpc r;
    mcpt_str element;
    mcpt_err e;
    int n;

    *asks = false;
    mcpt_scan_init(&scan, NULL, 0, NULL);
    e = mcpt_scan_feed(&scan, text, len);
    e = e < 0 ? e : mcpt_scan_end(&scan);
    n = e < 0 ? mcpt__fault_scan(e) : mcpt__legacy_context(c, false);
    if (n != 0) {
        return n;
    }
    n = MCPT__E_BATCH;                /* until there is an element */
    while (c->revision == MCPT_2025_03_26 && mcpt__batch_next(c, text, len, &element)) {
        e = mcpt__rpc_scan(&r, element.ptr, element.len);
        if (e >= 0 && r.v[MCPT__R_M_VERSION].len != 0) {
            return MCPT__E_BATCH;
        }
        *asks = *asks || e < 0 || !mcpt__rpc_ok(&r) || (r.v[MCPT__R_METHOD].len != 0 && r.v[MCPT__R_ID].len != 0);
        n = 0;
    }
    return n;
}

/* A batch (2025-03-26 only), whose first element stands at from: checked as a whole, then its messages one after the
 * other, answers as events. Without BATCH in the flags it is refused or done. */
static void mcpt__batch_start(mcpt_conn *c, const char *text, size_t len, uint32_t from)
{
    mcpt_str element;
    bool asks;
    int n;

    c->batch = from;
    n = mcpt__batch_check(c, text, len, &asks);
    c->batch = from;
    if (n != 0) {
        mcpt__refuse(c, NULL, n);
    } else if (mcpt__is_lines(c) || (asks && (c->flags & MCPT__C_SSE_OK) != 0)) {
        c->flags = (c->flags & ~(uint32_t)MCPT__C_COMMA) | MCPT__C_BATCH;
        mcpt__sse_commit(c);
    } else if (asks) {
        mcpt__refuse(c, NULL, MCPT__E_BATCH_STREAM);
    } else {
        while (mcpt__batch_next(c, text, len, &element)) {
            c->io.mode = MCPT__M_LINES;  /* silences the 202 of each */
            (void)mcpt__message(c, element.ptr, element.len);
        }
        c->io.mode = MCPT__M_NONE;
        mcpt__answer_empty(c, 202);
    }
}

static void mcpt__batch_step(mcpt_conn *c, const char *text, size_t len)
{
    mcpt_str element;

    if (mcpt__batch_next(c, text, len, &element)) {
        mcpt__message_run(c, element.ptr, element.len);
        return;
    }
    c->flags &= ~(uint32_t)MCPT__C_BATCH;
    if (!mcpt__is_lines(c)) {
        mcpt__stream_end(c);
    } else if ((c->flags & MCPT__C_COMMA) != 0) {
        mcpt__tx_add(c, "]\n");
    }
    c->io.state = MCPT__X_DONE;
}
#endif

static const char *mcpt__message_text(const mcpt_conn *c, size_t *len)
{
    if (mcpt__is_hosted(c)) {
        *len = c->request->body.len;
        return c->request->body.ptr;
    }
    *len = c->body_len;
    return c->io.rx + c->body;
}

static void mcpt__run_message(mcpt_conn *c)
{
    size_t len;
    const char *text = mcpt__message_text(c, &len);
    size_t i = 0;

#if !MCPT_NO_PAIRING
    if (!mcpt__is_lines(c) && c->route > MCPT__ROUTE_AS) {
        c->server->guard->pairing->face->post(c, mcpt__mk(text, len));
        return;
    }
#endif
    while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n')) {
        i++;
    }
#if !MCPT_NO_LEGACY
    if (i < len && text[i] == '[' && (c->flags & MCPT__C_BATCH) == 0) {
        mcpt__batch_start(c, text, len, (uint32_t)i + 1);
        if ((c->flags & MCPT__C_BATCH) == 0) {
            return;
        }
    }
    if ((c->flags & MCPT__C_BATCH) != 0) {
        mcpt__batch_step(c, text, len);
        return;
    }
#else
    if (i < len && text[i] == '[') {
        mcpt__refuse(c, NULL, MCPT__E_BATCH);
        return;
    }
#endif
    mcpt__message_run(c, text, len);
}

/* -- lines */
#if !MCPT_NO_LINES
/* Takes the next line. True: a message to run, or an error was answered. */
static bool mcpt__read_line(mcpt_conn *c)
{
    char *from = c->io.rx + c->body;
    char *nl = (char *)MCPT_MEMCHR(from, '\n', c->io.rx_len - c->body);
    uint32_t len;

    if (nl == NULL && c->io.eof != 0 && c->io.rx_len != 0 && c->io.rx_len < c->io.rx_cap) {
        nl = c->io.rx + c->io.rx_len++;    /* the end of input ends the last line too */
        *nl = '\n';
    }
    if (nl == NULL) {
        if (c->io.rx_len < c->io.rx_cap) {
            c->body = c->io.rx_len;   /* searched so far */
            return false;
        }
        if ((c->flags & MCPT__C_EXPIRED) == 0) {
            c->flags |= MCPT__C_EXPIRED;    /* the rest of this line is thrown away */
            mcpt__refuse(c, NULL, MCPT__E_LINE);
        }
        c->io.rx_len = 0;
        c->body = 0;
        c->end = 0;
        return c->io.state == MCPT__X_DONE;
    }
    len = (uint32_t)(nl - c->io.rx);
    c->end = len + 1;
    c->body = 0;
    c->body_len = len > 0 && c->io.rx[len - 1] == '\r' ? len - 1 : len;
    if (c->body_len == 0 || (c->flags & MCPT__C_EXPIRED) != 0) {
        c->flags &= ~(uint32_t)MCPT__C_EXPIRED;
        c->io.state = MCPT__X_DONE;      /* an empty line, or the end of one that was too long */
        return true;
    }
    c->flags = (c->flags & ~(uint32_t)(MCPT__C_MODERN | MCPT__C_PIECES)) | MCPT__C_SSE_OK | MCPT__C_JSON_OK;
    c->io.state = MCPT__X_MESSAGE;
    return true;
}

static void mcpt__next_line(mcpt_conn *c)
{
    uint32_t rest = c->io.rx_len - c->end;

    MCPT_MEMMOVE(c->io.rx, c->io.rx + c->end, rest);
    c->io.rx_len = rest;
    c->end = 0;
    c->body = 0;
    c->generator = MCPT__G_NONE;
    c->flags &= ~(uint32_t)MCPT__C_PIECES;
    c->io.state = MCPT__X_READ;
}

/* Between two lines: woken calls and notifications of this connection. True: something was done. */
static bool mcpt__lines_idle(mcpt_conn *c)
{
    mcpt_job *j;
    size_t i;

    if (c->hub == NULL) {
        return false;
    }
    for (j = c->hub->jobs; j != NULL; j = j->next) {
        if (j->conn == c && ((j->flags & MCPT__J_WOKEN) != 0 ||
                             ((j->flags & MCPT__J_TIMED) != 0 && mcpt__due(mcpt__now(c->server), j->wake_at)))) {
            c->flags &= ~(uint32_t)MCPT__C_PIECES;
            mcpt__job_run(c->hub, c->server, j);
            return true;
        }
    }
    c->io.state = MCPT__X_READ;
#if !MCPT_NO_LISTEN
    for (i = 0; i < c->hub->mem.nlisteners; i++) {
        mcpt_listener *l = &c->hub->mem.listeners[i];

        if (l->conn == c && l->flags != 0) {
            mcpt__listen_end(c, l);
            return true;
        }
        if (l->conn == c && mcpt__subs_send(c, &l->subs, l)) {
            return true;
        }
    }
    if (c->session != NULL && mcpt__subs_send(c, &c->session->subs, NULL)) {
        return true;
    }
#else
    (void)i;
#endif
    return false;
}
#endif

/* -- held-open streams */
/* A comment now and then keeps an event stream alive through proxies. */
static bool mcpt__tick(mcpt_conn *c)
{
    c->flags &= ~(uint32_t)MCPT__C_TICK;
    if (c->io.mode != MCPT__M_SSE || (c->flags & MCPT__C_PIECES) != 0) {
        return false;
    }
    mcpt__sse_lines(c, ":\n\n", false);
    return true;
}

/* True: something was written or the stream has ended. */
static bool mcpt__stream_step(mcpt_conn *c)
{
    if ((c->flags & MCPT__C_TICK) != 0 && mcpt__verdict_over(c)) {
        c->flags &= ~(uint32_t)MCPT__C_TICK;
        mcpt__stream_end(c);          /* the token has expired or was revoked */
        return true;
    }
    if ((c->flags & MCPT__C_TICK) != 0) {
        return mcpt__tick(c);
    }
#if !MCPT_NO_LISTEN
    if (c->listener != NULL) {
        if (c->listener->flags != 0) {
            mcpt__listen_end(c, c->listener);
            c->listener = NULL;
            c->io.state = MCPT__X_DONE;
            return true;
        }
        return mcpt__subs_send(c, &c->listener->subs, c->listener);
    }
#endif
#if !MCPT_NO_LEGACY && !MCPT_NO_HTTP
    if (c->generator == MCPT__G_STATIC) {
        if (mcpt__replay_step(c)) {
            return true;
        }
        c->generator = MCPT__G_NONE;
        if (c->work != NULL) {
            c->io.state = MCPT__X_WAIT;
            return true;
        }
        if (c->session == NULL || c->session->conn != c) {
            mcpt__stream_end(c);      /* all of an ended stream */
            return true;
        }
    }
#endif
    if (c->session == NULL) {
        mcpt__stream_end(c);          /* the session has ended, or another stream took over */
        return true;
    }
#if !MCPT_NO_LISTEN
    return mcpt__subs_send(c, &c->session->subs, NULL);
#else
    return false;
#endif
}

/* A suspended call: run it when it was woken. */
static bool mcpt__wait_step(mcpt_conn *c)
{
    mcpt_job *j = c->work;

    if (j == NULL) {
        mcpt__stream_end(c);
        return true;
    }
    if ((c->flags & MCPT__C_TICK) != 0 && mcpt__tick(c)) {
        return true;
    }
    if (c->io.wake != 0) {
        c->io.wake = 0;
        if (j->state == MCPT__J_WAIT) {
            j->flags |= MCPT__J_WOKEN;
        }
    }
    if ((j->flags & MCPT__J_WOKEN) == 0 &&
        ((j->flags & MCPT__J_TIMED) == 0 || !mcpt__due(mcpt__now(c->server), j->wake_at))) {
        return false;
    }
    mcpt__job_run(c->hub, c->server, j);
    return true;
}

/* -- the end of a connection */
/* What is in work: a modern call is cancelled (2026-07-28: closing the stream cancels); a legacy one goes on in a
 * slot when there is one. */
static void mcpt__abandon(mcpt_conn *c)
{
    mcpt_job *j = c->work;

#if !MCPT_NO_LEGACY && !MCPT_NO_HTTP
    if (j != NULL && !mcpt__modern(j) && j->session != NULL && !mcpt__is_lines(c) && j->state >= MCPT__J_WAIT &&
        (c->flags & MCPT__C_PIECES) == 0 && mcpt__detach(c)) {
        return;
    }
#endif
    if (j != NULL) {
        mcpt__cancel(c->hub, c->server, j);
        c->work = NULL;
    }
}

/* Nothing that is shared points to the connection any more. */
static void mcpt__let_go(mcpt_conn *c)
{
    mcpt_hub *hub = c->hub;
    mcpt_job *j;
    size_t i;

    mcpt__abandon(c);
    if (hub != NULL) {
        do {
            for (j = hub->jobs; j != NULL && j->conn != c; j = j->next) { }
            if (j != NULL) {
                mcpt__cancel(hub, c->server, j);
            }
        } while (j != NULL);
        for (i = 0; i < hub->mem.nlisteners; i++) {
            if (hub->mem.listeners[i].conn == c) {
                hub->mem.listeners[i].conn = NULL;
            }
        }
#if !MCPT_NO_LEGACY
        for (i = 0; i < hub->mem.nsessions; i++) {
            mcpt_session *s = &hub->mem.sessions[i];

            if (s->conn == c) {
                s->conn = NULL;
                s->used_at = mcpt__now(c->server);
                if ((s->flags & MCPT__S_LINES) != 0) {
                    mcpt__session_end(hub, s);
                }
            }
        }
#endif
    }
    c->session = NULL;
    c->listener = NULL;
}

MCPT_API void mcpt_conn_close(mcpt_conn *c)
{
    mcpt__let_go(c);
    mcpt__timer_stop(c);
    if (c->hub != NULL) {
        mcpt__unready(c->hub, c);
    }
    c->io.state = MCPT__X_CLOSED;
    c->io.want = MCPT_CLOSED;
    c->io.tx_at = c->io.tx_len = 0;
}

#if !MCPT_NO_GUARD
static void mcpt__begin(mcpt_conn *c)
{
#if !MCPT_NO_HOSTED
    if (mcpt__is_hosted(c)) {
        mcpt__hosted_begin(c);
        return;
    }
#endif
    mcpt__head_done(c);
}

/* A request whose token waits for its verdict: asks again when woken, or when its time is over. */
static bool mcpt__verify_step(mcpt_conn *c)
{
    mcpt_job *j = &c->job;

    if ((j->flags & MCPT__J_WOKEN) == 0 && !mcpt__due(mcpt__now(c->server), j->wake_at)) {
        return false;
    }
    mcpt__job_unlink(c->hub, j);
    j->state = MCPT__J_IDLE;
    mcpt__begin(c);
    return true;
}
#endif

/* -- one step of the machine. False: it waits for bytes, a wake-up or time. */
static bool mcpt__step_done(mcpt_conn *c)
{
#if !MCPT_NO_LEGACY
    if ((c->flags & MCPT__C_BATCH) != 0) {
        c->io.state = MCPT__X_MESSAGE;   /* the next element */
        c->flags &= ~(uint32_t)MCPT__C_PIECES;
        return true;
    }
#endif
#if !MCPT_NO_LINES
    if (mcpt__is_lines(c)) {
        mcpt__next_line(c);
        return true;
    }
#endif
    if (mcpt__is_hosted(c) || (c->flags & MCPT__C_CLOSE) != 0) {
        c->io.state = MCPT__X_CLOSED;
        return false;
    }
#if !MCPT_NO_HTTP
    mcpt__next_request(c);
    mcpt__timer_start(c, MCPT__TIMER_IDLE);
#endif
    return true;
}

static bool mcpt__step(mcpt_conn *c)
{
    if (mcpt__is_lines(c) || (c->flags & MCPT__C_SENT) != 0) {
        c->io.tx_at = 0;
        c->io.tx_len = 0;
    }
    switch (c->io.state) {
    case MCPT__X_READ:
#if !MCPT_NO_LINES
        if (mcpt__is_lines(c)) {
            return mcpt__lines_idle(c) || mcpt__read_line(c);
        }
#endif
#if !MCPT_NO_HTTP
        return c->io.framing == MCPT_HTTP && mcpt__read_head(c);
    case MCPT__X_BODY: return mcpt__read_body(c);
    case MCPT__X_SKIP: return mcpt__skip_body(c);
#else
        return false;
#endif
    case MCPT__X_MESSAGE: mcpt__run_message(c); return true;
    case MCPT__X_PIECES:
        if (c->generator != MCPT__G_NONE) {
            (void)mcpt__generator_step(c);    /* what goes wrong between pieces has no answer */
        } else {
            mcpt__job_run(c->hub, c->server, c->work);
        }
        return true;
    case MCPT__X_WAIT: return mcpt__wait_step(c);
    case MCPT__X_STREAM: return mcpt__stream_step(c);
#if !MCPT_NO_GUARD
    case MCPT__X_VERIFY: return mcpt__verify_step(c);
#if !MCPT_NO_PAIRING
    case MCPT__X_DOCUMENT: mcpt__document_step(c, c->route > MCPT__ROUTE_AS ? c->server->guard->pairing->face->put : mcpt__put_document); return true;
#else
    case MCPT__X_DOCUMENT: mcpt__document_step(c, mcpt__put_document); return true;
#endif
#endif
    case MCPT__X_DONE: return mcpt__step_done(c);
    default: return false;
    }
}

/* A deadline has passed: 408 to a request that does not arrive, otherwise the end. */
static void mcpt__expire(mcpt_conn *c)
{
    c->flags &= ~(uint32_t)MCPT__C_EXPIRED;
#if !MCPT_NO_HTTP
    if (c->io.state <= MCPT__X_SKIP && c->io.rx_len != 0 && c->io.tx_at == c->io.tx_len && c->io.framing == MCPT_HTTP) {
        mcpt__request_reset(c);
        mcpt__refuse_head(c, 408, true);
        mcpt__timer_start(c, MCPT__TIMER_REQUEST);
        return;
    }
#endif
    c->io.err = MCPT_E_TIMEOUT;
    c->io.state = MCPT__X_CLOSED;
    c->io.tx_at = c->io.tx_len;
}

/* Which deadline fits what the connection is doing now. */
static void mcpt__timer_fit(mcpt_conn *c, bool progress)
{
    uint8_t timer;

    if (c->hub == NULL || mcpt__is_lines(c)) {
        return;
    }
    if (c->io.tx_at != c->io.tx_len || (c->io.state <= MCPT__X_SKIP && c->io.rx_len != 0)) {
        timer = MCPT__TIMER_REQUEST;
    } else if (c->io.state == MCPT__X_STREAM || c->io.state == MCPT__X_WAIT) {
        timer = MCPT__TIMER_STREAM;
    } else if (c->io.state == MCPT__X_CLOSED || c->io.state == MCPT__X_VERIFY || c->io.framing == MCPT_HOSTED) {
        mcpt__timer_stop(c);          /* over, or waiting for the host */
        return;
    } else {
        timer = MCPT__TIMER_IDLE;
    }
    if (c->timer != timer || (progress && c->io.tx_at != c->io.tx_len)) {
        mcpt__timer_start(c, timer);
    }
}

/* Has a line connection calls in work that can still finish? Questions cannot be answered after the end of input. */
static bool mcpt__lines_busy(const mcpt_conn *c)
{
    const mcpt_job *j;

    for (j = mcpt__is_lines(c) && c->hub != NULL ? c->hub->jobs : NULL; j != NULL; j = j->next) {
        if (j->conn == c && j->state == MCPT__J_WAIT) {
            return true;
        }
    }
    return false;
}

/* A host reads the header fields before anything else may take their place. */
static bool mcpt__head_is_new(const mcpt_conn *c)
{
    return mcpt__is_hosted(c) && !c->told && (c->flags & MCPT__C_SENT) != 0 && c->io.state != MCPT__X_DONE;
}

static unsigned mcpt__conn_run(mcpt_io *io)
{
    mcpt_conn *c = (mcpt_conn *)io;   /* io is its first member */
    bool progress = false;
    bool lines = mcpt__is_lines(c);

    if ((c->flags & MCPT__C_EXPIRED) != 0 && !lines) {
        mcpt__expire(c);
    }
    while (c->io.state != MCPT__X_CLOSED && io->tx_at == io->tx_len && io->tx != NULL && !mcpt__head_is_new(c) && mcpt__step(c)) {
        progress = true;
    }
    c->told = (c->flags & MCPT__C_SENT) != 0;
    if (io->eof != 0 && io->tx_at == io->tx_len && c->io.state != MCPT__X_CLOSED && !mcpt__lines_busy(c)) {
        c->io.state = MCPT__X_CLOSED;
    }
    if (c->io.state == MCPT__X_CLOSED) {
        mcpt__let_go(c);              /* a host may free its request now, and hand over another */
    }
    mcpt__timer_fit(c, progress);
    if (c->io.state == MCPT__X_CLOSED && io->tx_at == io->tx_len) {
        io->want = MCPT_CLOSED;
    } else {
        io->want = io->tx_at != io->tx_len ? MCPT_WANT_TX : 0;
        if (io->eof == 0 && !mcpt__is_hosted(c) &&
            (c->io.state <= MCPT__X_SKIP || (lines && c->io.state == MCPT__X_DONE))) {
            io->want = (uint8_t)(io->want | MCPT_WANT_RX);
        }
    }
    return io->want;
}

/* -- hosts that parse HTTP themselves */
#if !MCPT_NO_HTTP && !MCPT_NO_HOSTED
MCPT_API mcpt_err mcpt_conn_request(mcpt_conn *c, const mcpt_request *request)
{
    if (!mcpt__is_hosted(c) || (c->io.state != MCPT__X_READ && c->io.state != MCPT__X_CLOSED) || c->io.rx == NULL) {
        return MCPT_E_STATE;
    }
    c->request = request;
    c->io.eof = 0;
    c->io.rx_len = 0;
    c->io.state = MCPT__X_READ;
    mcpt__hosted_begin(c);
    return MCPT_OK;
}

MCPT_API const mcpt_response *mcpt_conn_response(const mcpt_conn *c)
{
    return (c->flags & MCPT__C_SENT) != 0 ? &c->response : NULL;
}

MCPT_API bool mcpt_conn_field(const mcpt_conn *c, uint32_t *it, mcpt_str *name, mcpt_str *value)
{
    uint32_t at = *it != 0 ? *it : c->fields;

    if ((c->flags & MCPT__C_SENT) == 0 || at >= c->fields_end) {
        return false;
    }
    *name = mcpt_z(c->io.tx + at);
    *value = mcpt_z(name->ptr + name->len + 2);
    *it = at + (uint32_t)(name->len + value->len) + 4;
    return true;
}
#endif

/* -- what the hub runs by itself */
static void mcpt__run_due(mcpt_hub *hub, uint32_t now)
{
    mcpt_job *j = hub->jobs;

    hub->has_due = 0;
    while (j != NULL) {
        bool woken = (j->flags & MCPT__J_WOKEN) != 0;

        if (woken || ((j->flags & MCPT__J_TIMED) != 0 && mcpt__due(now, j->wake_at))) {
            if (j->conn != NULL) {
                mcpt__ready(hub, j->conn);
            } else {
                if (j->session == NULL && (j->flags & MCPT__J_TASK) == 0) {
                    mcpt__cancel(hub, hub->server, j);    /* its session has ended: nobody will ever ask for it */
                } else {
                    mcpt__job_run(hub, hub->server, j);
                }
                j = hub->jobs;        /* the list has changed: from the start, for those that are still due */
                continue;
            }
        } else if ((j->flags & MCPT__J_TIMED) != 0) {
            mcpt__job_alarm(hub, j, j->wake_at);
        }
        j = j->next;
    }
}

static void mcpt__take_wakes(mcpt_hub *hub)
{
    mcpt_job *j;
    uint32_t flags = 0;
    int i;

    hub->woken = 0;
    for (i = 0; i < 32; i++) {
        if (hub->wake[i] != 0) {
            hub->wake[i] = 0;         /* before its calls run: a wake-up from now on counts again */
            flags |= (uint32_t)1 << i;
        }
    }
    for (j = hub->jobs; j != NULL; j = j->next) {
        if ((flags >> (j->ticket % 32) & 1) != 0 && j->state == MCPT__J_WAIT) {
            j->flags |= MCPT__J_WOKEN;
        }
    }
}

static void mcpt__run_timers(mcpt_hub *hub, uint32_t now)
{
    unsigned i;

    for (i = 0; i < 3; i++) {
        while (hub->timer[i].first != NULL && mcpt__due(now, hub->timer[i].first->deadline)) {
            mcpt_conn *c = hub->timer[i].first;

            if (i == MCPT__TIMER_STREAM) {
                c->flags |= MCPT__C_TICK;
                mcpt__timer_start(c, MCPT__TIMER_STREAM);
            } else {
                c->flags |= MCPT__C_EXPIRED;
                mcpt__timer_stop(c);
            }
            mcpt__ready(hub, c);
        }
    }
}

MCPT_API uint32_t mcpt_hub_run(mcpt_hub *hub)
{
    uint32_t now = mcpt__now(hub->server);
    uint32_t wait = (uint32_t)-1;
    unsigned i;

    if (hub->woken != 0) {
        mcpt__take_wakes(hub);
        mcpt__run_due(hub, now);
    } else if (hub->has_due != 0 && mcpt__due(now, hub->due)) {
        mcpt__run_due(hub, now);
    }
    mcpt__run_timers(hub, now);
    if (hub->woken != 0 || hub->ready != NULL) {
        return 0;
    }
    now = mcpt__now(hub->server);
    if (hub->has_due != 0) {
        wait = mcpt__due(now, hub->due) ? 0 : hub->due - now;
    }
    for (i = 0; i < 3; i++) {
        const mcpt_conn *c = hub->timer[i].first;

        if (c != NULL) {
            uint32_t t = mcpt__due(now, c->deadline) ? 0 : c->deadline - now;

            wait = t < wait ? t : wait;
        }
    }
    return wait;
}

MCPT_API void mcpt_hub_close(mcpt_hub *hub)
{
    mcpt_job *j;
    size_t i;

#if !MCPT_NO_LISTEN
    for (i = 0; i < hub->mem.nlisteners; i++) {
        mcpt_listener *l = &hub->mem.listeners[i];
        mcpt_conn *c = l->conn;

        if (c != NULL) {
            l->flags = 1;             /* its connection writes the last result as soon as it can */
            mcpt__ready(hub, c);
        }
    }
#else
    (void)i;
#endif
    for (j = hub->jobs; j != NULL; j = hub->jobs) {
        mcpt_conn *c = j->conn;
        mcpt_slot *s = (j->flags & MCPT__J_TASK) != 0 ? j->slot : NULL;

        if (c != NULL && c->work == j) {
            mcpt__refuse(c, j, MCPT__E_CLOSING);
            mcpt__ready(hub, c);
        }
#if !MCPT_NO_GUARD
        if (c != NULL && c->io.state == MCPT__X_VERIFY) {
            c->flags |= MCPT__C_CLOSE;
            c->refusal = MCPT__DENY_LATER;
            mcpt__deny(c);
            mcpt__ready(hub, c);
        }
#endif
        mcpt__cancel(hub, hub->server, j);
#if !MCPT_NO_TASKS
        if (s != NULL) {
            mcpt__task_changed(hub, s, MCPT__T_CANCELLED);
        }
#else
        (void)s;
#endif
    }
#if !MCPT_NO_LEGACY
    for (i = 0; i < hub->mem.nsessions; i++) {
        if ((hub->mem.sessions[i].flags & MCPT__S_USED) != 0) {
            mcpt__session_end(hub, &hub->mem.sessions[i]);
        }
    }
#endif
}

/* >>check: implementation ---------------------------------------------------------------------------------
 * For development: are the tables sane? */
typedef struct mcpt__checker {
    mcpt_check_fn report;
    void *user;
    const char *row;
    bool bad;
} mcpt__checker;

/* Packed in an array of its own, so that a program that checks nothing does without. */
static const char mcpt__findings[] =
    "a row has no name\0the table is not in strcmp order\0this name comes twice\0"
    "the schema is not a JSON object, or nested too deep\0a tool name is 1 to 128 of A-Z a-z 0-9 _ . -\0"
    "a tool needs a description and a handler\0a resource needs a name, and data or a handler\0"
    "static text is not UTF-8: use MCPT_BINARY\0a prompt needs a description and a handler\0"
    "a scope is made of visible ASCII without quotes and backslashes\0a guard needs verify, and env.crypto with sha256\0"
    "resource metadata names no authorization server\0resource is not an https URL\0"
    "an authorization server is not an https URL\0"
    "base_url is not an https URL without a query, or longer than MCPT_MAX_URL\0"
    "x-mcp-header needs a program without MCPT_NO_MCP_PARAM\0"
    "neither base_url nor resource: the metadata names whatever Host says, and no audience is this server\0";
enum { MCPT__B_NAMELESS, MCPT__B_ORDER, MCPT__B_TWICE, MCPT__B_SCHEMA, MCPT__B_NAME, MCPT__B_TOOL, MCPT__B_RESOURCE,
       MCPT__B_UTF8, MCPT__B_PROMPT, MCPT__B_SCOPE, MCPT__B_GUARD, MCPT__B_NO_AS, MCPT__B_PRM_URL, MCPT__B_AS_URL, MCPT__B_BASE, MCPT__B_PARAM, MCPT__B_URL };

static void mcpt__check_bad(mcpt__checker *k, const char *row, unsigned finding)
{
    k->bad = true;
    k->report(k->user, row, mcpt__nth(mcpt__findings, finding), mcpt__mk(NULL, 0));
}

static void mcpt__check_note(void *user, mcpt_str keyword, const char *why)
{
    mcpt__checker *k = (mcpt__checker *)user;

    k->report(k->user, k->row, why, keyword);
    k->bad = k->bad || mcpt_str_is(keyword, "x-mcp-header");
}

static void mcpt__check_schema(mcpt__checker *k, const char *row, const char *schema)
{
    mcpt_err e;

    if (schema == NULL) {
        return;
    }
    k->row = row;
    e = mcpt_schema_lint(mcpt_z(schema), mcpt__check_note, k);
    if (e == MCPT_E_JSON || e == MCPT_E_DEPTH) {
        mcpt__check_bad(k, row, MCPT__B_SCHEMA);
    }
    if (MCPT_NO_MCP_PARAM && mcpt__contains(schema, "x-mcp-header\"")) {
        mcpt__check_bad(k, row, MCPT__B_PARAM);
    }
}

static bool mcpt__name_ok(const char *name)
{
    size_t n = name != NULL ? MCPT_STRLEN(name) : 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (!mcpt__alpha(name[i]) && !mcpt__digit(name[i]) && name[i] != '_' && name[i] != '.' && name[i] != '-') {
            return false;
        }
    }
    return n >= 1 && n <= 128;
}

/* Names that come twice, and rows out of order where order is promised. */
static void mcpt__check_names(mcpt__checker *k, const mcpt_server *s, unsigned kind)
{
    size_t n = mcpt__count(s, kind);
    size_t i;
    size_t j;

    for (i = 0; i < n; i++) {
        if (mcpt__row_name(s, kind, i) == NULL) {
            mcpt__check_bad(k, "", MCPT__B_NAMELESS);
            return;
        }
    }
    for (i = 1; i < n; i++) {
        const char *name = mcpt__row_name(s, kind, i);

        if (s->sorted && mcpt__order(mcpt_z(name), mcpt__row_name(s, kind, i - 1)) <= 0) {
            mcpt__check_bad(k, name, MCPT__B_ORDER);
        }
        for (j = 0; j < i && !s->sorted; j++) {
            if (mcpt_str_is(mcpt_z(name), mcpt__row_name(s, kind, j))) {
                mcpt__check_bad(k, name, MCPT__B_TWICE);
            }
        }
    }
}

#if !MCPT_NO_GUARD
/* Words of RFC 6749 section 3.3: they stand in quoted strings as they are. */
static void mcpt__check_scopes(mcpt__checker *k, const char *row, const char *scopes)
{
    size_t i;

    for (i = 0; scopes != NULL && scopes[i] != '\0'; i++) {
        if (scopes[i] < 0x20 || scopes[i] > 0x7e || scopes[i] == '"' || scopes[i] == '\\') {
            mcpt__check_bad(k, row, MCPT__B_SCOPE);
            return;
        }
    }
}

/* https, or http on this machine. */
static bool mcpt__check_url(mcpt_str s)
{
    mcpt_url u;

    return mcpt_url_split(s, &u) && (mcpt_str_ieq(u.scheme, "https") || (mcpt_str_ieq(u.scheme, "http") && mcpt__loopback(u.host)));
}

static void mcpt__check_guard(mcpt__checker *k, const mcpt_server *s)
{
    const mcpt_guard *g = s->guard;
    const char *words = g->prm != NULL ? g->prm->authorization_servers : NULL;
    char issuer[MCPT_CLERK_ISSUER];
    mcpt_str word;

    if (g->verify == NULL || s->env->crypto == NULL || s->env->crypto->sha256 == NULL) {
        mcpt__check_bad(k, "", MCPT__B_GUARD);
    }
    mcpt__check_scopes(k, "", g->scopes);
    if (g->prm != NULL) {
        mcpt__check_scopes(k, "", g->prm->scopes_supported);
        if (words == NULL && (g->prm->publishable_key == NULL ||
                              mcpt_clerk_issuer(g->prm->publishable_key, issuer, sizeof(issuer), NULL) != MCPT_OK)) {
            mcpt__check_bad(k, "", MCPT__B_NO_AS);
        }
        if (g->prm->resource != NULL && !mcpt__check_url(mcpt_z(g->prm->resource))) {
            mcpt__check_bad(k, "", MCPT__B_PRM_URL);
        }
    }
    while (mcpt__word(&words, &word)) {
        if (!mcpt__check_url(word)) {
            mcpt__check_bad(k, "", MCPT__B_AS_URL);
        }
    }
    words = s->identity != NULL ? s->identity->base_url : NULL;
    if (words == NULL && !mcpt__pairs(g) && (g->prm == NULL || g->prm->resource == NULL)) {    /* it may come later */
        k->report(k->user, "", mcpt__nth(mcpt__findings, MCPT__B_URL), mcpt__mk(NULL, 0));
    }
    while (mcpt__word(&words, &word)) {
        if (!mcpt__check_url(word) || MCPT_MEMCHR(word.ptr, '?', word.len) != NULL ||
            word.len + MCPT_STRLEN(mcpt__path(s)) > MCPT_MAX_URL) {
            mcpt__check_bad(k, "", MCPT__B_BASE);
        }
    }
}
#endif

MCPT_API mcpt_err mcpt_server_check(const mcpt_server *s, mcpt_check_fn report, void *user)
{
    mcpt__checker k;
    size_t i;

    k.report = report;
    k.user = user;
    k.row = "";
    k.bad = false;
    mcpt__check_names(&k, s, MCPT_KIND_TOOL);
    mcpt__check_names(&k, s, MCPT_KIND_RESOURCE);
    mcpt__check_names(&k, s, MCPT_KIND_PROMPT);
    for (i = 0; i < s->ntools && !k.bad; i++) {
        const mcpt_tool *t = &s->tools[i];

        if (!mcpt__name_ok(t->name)) {
            mcpt__check_bad(&k, t->name, MCPT__B_NAME);
        }
        if (t->description == NULL || t->fn == NULL) {
            mcpt__check_bad(&k, t->name, MCPT__B_TOOL);
        }
        mcpt__check_schema(&k, t->name, t->input_schema);
        mcpt__check_schema(&k, t->name, t->output_schema);
    }
    for (i = 0; i < s->nresources && !k.bad; i++) {
        const mcpt_resource *r = &s->resources[i];

        if (r->name == NULL || (r->fn == NULL && r->data == NULL) || (r->fn == NULL && mcpt__is_template(r))) {
            mcpt__check_bad(&k, r->uri, MCPT__B_RESOURCE);
        }
        if (r->fn == NULL && r->data != NULL && (r->flags & MCPT_BINARY) == 0 &&
            !mcpt_utf8_ok(mcpt__mk((const char *)r->data, r->size))) {
            mcpt__check_bad(&k, r->uri, MCPT__B_UTF8);
        }
    }
    for (i = 0; i < s->nprompts && !k.bad; i++) {
        if (s->prompts[i].description == NULL || s->prompts[i].fn == NULL) {
            mcpt__check_bad(&k, s->prompts[i].name, MCPT__B_PROMPT);
        }
    }
#if !MCPT_NO_GUARD
    if (s->guard != NULL) {
        mcpt__check_guard(&k, s);
    }
    for (i = 0; i < s->ntools; i++) {
        mcpt__check_scopes(&k, s->tools[i].name, s->tools[i].scopes);
    }
    for (i = 0; i < s->nresources; i++) {
        mcpt__check_scopes(&k, s->resources[i].uri, s->resources[i].scopes);
    }
    for (i = 0; i < s->nprompts; i++) {
        mcpt__check_scopes(&k, s->prompts[i].name, s->prompts[i].scopes);
    }
#endif
    return k.bad ? MCPT_E_ARG : MCPT_OK;
}
#endif /* !MCPT_NO_SERVER */

/* >>facts: implementation --------------------------------------------------------------------------------
 * What a client's authorization knows.
 * mem holds three things: facts from the bottom up (a tag, a length, bytes), and in the room above them either the request
 * being sent, or what is kept of the answer, which moves to the top when the answer is whole. Records of the store are
 * chosen facts in a row, so loading and saving need no code of their own for each member. */
#if !MCPT_NO_OAUTH
#define MCPT_OAUTH_DOCUMENT 65536u    /* bytes of the largest answer that is read */
enum {                                                      /* facts */
    MCPT__F_ISSUER = 1, MCPT__F_RESOURCE, MCPT__F_AUTHORIZE_EP, MCPT__F_TOKEN_EP, MCPT__F_REGISTER_EP, MCPT__F_REVOKE_EP,
    MCPT__F_DEVICE_EP, MCPT__F_CLIENT_ID, MCPT__F_SECRET, MCPT__F_REG_URI, MCPT__F_REG_TOKEN, MCPT__F_ACCESS,
    MCPT__F_REFRESH, MCPT__F_GRANTED, MCPT__F_ASKED, MCPT__F_VERIFIER, MCPT__F_STATE, MCPT__F_CODE, MCPT__F_DEVICE_CODE,
    MCPT__F_USER_CODE, MCPT__F_VERIFY_URI, MCPT__F_CHALLENGE_URL, MCPT__F_CHALLENGE_SCOPE, MCPT__F_META_SCOPE,
    MCPT__F_FREE, MCPT__F_ASSERTION, MCPT__F_URL, MCPT__F_NUMBERS, MCPT__F_AS_NONCE, MCPT__F_RS_NONCE, MCPT__F_METHOD,
    MCPT__F_ISS, MCPT__F_PUSH_EP
};
enum {                                                      /* mcpt_oauth.flags; those below 256 are stored */
    MCPT__OA_ISS = 1,                 /* the callback must have iss */
    MCPT__OA_SAW_META = 2,            /* this server had protected resource metadata: no way back to 2025-03-26 */
    MCPT__OA_OFFLINE = 4,             /* the authorization server knows offline_access */
    MCPT__OA_LEGACY = 8,              /* found by the rules of 2025-03-26 */
    MCPT__OA_CIMD = 16,               /* client ID metadata documents are supported */
    MCPT__OA_DYNAMIC = 32,            /* the client was registered dynamically */
    MCPT__OA_DPOP = 64,               /* the authorization server makes bound tokens */
    MCPT__OA_BOUND = 128,             /* this one is */
    MCPT__OA_FRESH = 256,             /* no answer since the token came */
    MCPT__OA_CHECK = 512,             /* metadata is fetched to see whether the issuer is still listed */
    MCPT__OA_STEP = 1024,             /* asks for more scope than before: it is chosen already */
    MCPT__OA_TIMED = 2048,            /* due is when the token expires, for a clock that is not set */
    MCPT__OA_BASIC = 4096, MCPT__OA_POST = 8192, MCPT__OA_NONE = 16384, MCPT__OA_KEY = 32768,     /* token_endpoint_auth_methods */
    MCPT__OA_METHODS = 61440,
    MCPT__OA_NONCED = 65536,          /* a request was sent again for its nonce */
    MCPT__OA_UNSAVED = 131072         /* the store refused this token: what it has is older */
};
enum { MCPT__AUTH_NONE, MCPT__AUTH_BASIC, MCPT__AUTH_POST, MCPT__AUTH_KEY };   /* mcpt_oauth.auth */
enum {                                                      /* mcpt_oauth.step: the request being sent */
    MCPT__STEP_NONE, MCPT__STEP_RESOURCE, MCPT__STEP_SERVER, MCPT__STEP_REGISTER, MCPT__STEP_DEVICE, MCPT__STEP_PUSH, MCPT__STEP_CODE,
    MCPT__STEP_REFRESH, MCPT__STEP_POLL, MCPT__STEP_CLIENT, MCPT__STEP_EXCHANGE, MCPT__STEP_ASSERT, MCPT__STEP_REVOKE,
    MCPT__STEP_UNREGISTER
};

/* -- facts */
static uint32_t mcpt__oa_find(const mcpt_oauth *o, unsigned tag)
{
    uint32_t at = 0;

    while (at < o->used && (unsigned char)o->mem[at] != tag) {
        at += 3u + ((uint32_t)(unsigned char)o->mem[at + 1] << 8 | (unsigned char)o->mem[at + 2]);
    }
    return at;
}

static mcpt_str mcpt__oa_get(const mcpt_oauth *o, unsigned tag)
{
    uint32_t at = mcpt__oa_find(o, tag);

    return at == o->used ? mcpt__mk(NULL, 0) :
        mcpt__mk(o->mem + at + 3, (size_t)(unsigned char)o->mem[at + 1] << 8 | (unsigned char)o->mem[at + 2]);
}

/* Sets a fact, or forgets it when v is absent. v may lie in mem. */
static void mcpt__oa_set(mcpt_oauth *o, unsigned tag, mcpt_str v)
{
    uint32_t at = mcpt__oa_find(o, tag);

    if (at != o->used) {
        size_t n = mcpt__oa_get(o, tag).len + 3;
        bool above = v.ptr >= o->mem + at + n && v.ptr < o->mem + o->used;
        MCPT_MEMMOVE(o->mem + at, o->mem + at + n, o->used - at - n);
        v.ptr = above ? v.ptr - n : v.ptr;
        o->used -= (uint32_t)n;
        mcpt_wipe(o->mem + o->used, v.ptr >= o->mem && v.ptr < o->mem + o->top ? 0 : n);
    }
    if (v.ptr == NULL) {
        return;
    }
    if (v.len > 0xffff || v.len + 3 > o->top - o->used) {
        o->err = MCPT_E_SPACE;
        return;
    }
    MCPT_MEMMOVE(o->mem + o->used + 3, v.ptr, v.len);
    o->mem[o->used] = (char)tag;
    o->mem[o->used + 1] = (char)(v.len >> 8);
    o->mem[o->used + 2] = (char)(v.len & 0xffu);
    o->used += (uint32_t)v.len + 3u;
}

static void mcpt__oa_drop(mcpt_oauth *o, const uint8_t *tags)
{
    for (; *tags != 0; tags++) {
        mcpt__oa_set(o, *tags, mcpt__mk(NULL, 0));
    }
}

/* -- text in the room above the facts */
static mcpt__text mcpt__oa_below(const mcpt_oauth *o)   /* beside what is kept of an answer */
{
    return mcpt__text_on(o->mem + o->used, o->top - o->used);
}

static mcpt__text mcpt__oa_room(mcpt_oauth *o)           /* all of it; what was there is wiped */
{
    o->top = o->size;
    mcpt_wipe(o->mem + o->used, o->size - o->used);
    return mcpt__oa_below(o);
}

/* "key=value" behind the text that began at begin, with the separator it needs; nothing for an absent value. */
static void mcpt__oa_param(mcpt__text *t, const char *begin, const char *key, mcpt_str value)
{
    if (value.ptr != NULL) {
        mcpt__addz(t, t->at != begin && t->at[-1] != '?' ? "&" : "");
        mcpt__addz(t, key);
        mcpt__addz(t, "=");
        mcpt__add_form(t, value);
    }
}

/* -- URLs and scopes */
/* https; http where both this host and the MCP server are this machine. */
static bool mcpt__oa_url(const mcpt_oauth *o, mcpt_str s, mcpt_url *u)
{
    mcpt_url own;

    if (s.ptr == NULL || s.len > 2048 || !mcpt_url_split(s, u)) {
        return false;
    }
    return mcpt_str_ieq(u->scheme, "https") ||
           (mcpt_str_ieq(u->scheme, "http") && mcpt__loopback(u->host) && mcpt_url_split(mcpt_z(o->config->endpoint), &own) &&
            mcpt__loopback(own.host));
}

static mcpt_str mcpt__oa_path(const mcpt_url *u)            /* without slashes at its end */
{
    mcpt_str path = u->path;

    while (path.len != 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

/* May this protected resource identifier speak for our endpoint? The same origin, and a path that is a whole part of
 * the endpoint's from its beginning (RFC 9728 section 3.3 asks for equality; MCP servers publish their origin, too). */
static bool mcpt__oa_covers(const mcpt_oauth *o, mcpt_str resource)
{
    mcpt_url r, own;
    mcpt_str a, b;

    if (!mcpt__oa_url(o, resource, &r) || !mcpt_url_split(o->endpoint, &own) || !mcpt__same_origin(&r, &own)) {
        return false;
    }
    a = mcpt__oa_path(&r);
    b = mcpt__oa_path(&own);
    return a.len <= b.len && (a.len == 0 || MCPT_MEMCMP(a.ptr, b.ptr, a.len) == 0) && (a.len == b.len || b.ptr[a.len] == '/');
}

static bool mcpt__oa_vschar(mcpt_str s, char low)           /* visible ASCII from low on */
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < low || s.ptr[i] > '~') {
            return false;
        }
    }
    return s.len != 0;
}

/* The endpoint, at the beginning of mem: the same for every way to write it, scheme and host in lower case, no default port, no path
 * "/" (RFC 3986 section 6.2). False: no room. */
static bool mcpt__oa_endpoint(mcpt_oauth *o)
{
    mcpt_str raw = mcpt_z(o->config->endpoint);
    mcpt__text t = mcpt__text_on(o->mem, o->size);
    char *begin = t.at, digits[10];
    mcpt_url u, bare;

    (void)mcpt_url_split(raw, &u);
    bare = u;
    bare.port = 0;
    mcpt__add(&t, mcpt__mk(raw.ptr, (size_t)(u.host.ptr + u.host.len - raw.ptr)));
    for (char *p = begin; p != t.at; p++) {
        *p = mcpt__lower(*p);
    }
    if (mcpt__url_port(&u) != mcpt__url_port(&bare)) {
        mcpt__addz(&t, ":");
        mcpt__add(&t, mcpt__digits(digits, u.port));
    }
    mcpt__add(&t, u.path.len > 1 || u.query.ptr != NULL ? mcpt_z(u.path.ptr) : mcpt__mk(NULL, 0));
    o->endpoint = mcpt__since(&t, begin);
    o->mem += o->endpoint.len;
    o->size -= (uint32_t)o->endpoint.len;
    o->top = o->size;
    return !t.full;
}

/* Adds the legal tokens of more that the text since begin does not have. */
static void mcpt__oa_union(mcpt__text *t, const char *begin, mcpt_str more)
{
    mcpt_str word;

    while (mcpt__word_next(&more, &word)) {
        bool legal = mcpt__oa_vschar(word, '!') && MCPT_MEMCHR(word.ptr, '"', word.len) == NULL &&
                     MCPT_MEMCHR(word.ptr, '\\', word.len) == NULL;
        if (legal && !mcpt__word_in(mcpt__since(t, begin), word)) {
            mcpt__addz(t, t->at != begin ? " " : "");
            mcpt__add(t, word);
        }
    }
}

/* -- records: "MT", version, kind, expiry, nonce; facts; tag. The key name is authenticated with them, so that no record
 * can stand in for another. */
enum { MCPT__REC_HEAD = 24, MCPT__REC_TAG = 16, MCPT__REC_EXPIRY = 4, MCPT__REC_NONCE = 12 };
static const uint8_t mcpt__rec_session[] = {
    MCPT__F_ISSUER, MCPT__F_RESOURCE, MCPT__F_AUTHORIZE_EP, MCPT__F_TOKEN_EP, MCPT__F_REVOKE_EP,
    MCPT__F_DEVICE_EP, MCPT__F_REGISTER_EP, MCPT__F_CLIENT_ID, MCPT__F_ACCESS, MCPT__F_REFRESH, MCPT__F_GRANTED,
    MCPT__F_ASKED, MCPT__F_NUMBERS, MCPT__F_PUSH_EP, 0 };
static const uint8_t mcpt__rec_client[] = {
    MCPT__F_ISSUER, MCPT__F_CLIENT_ID, MCPT__F_SECRET, MCPT__F_METHOD, MCPT__F_REG_URI, MCPT__F_REG_TOKEN, 0 };
static const uint8_t mcpt__rec_pending[] = {
    MCPT__F_ISSUER, MCPT__F_RESOURCE, MCPT__F_AUTHORIZE_EP, MCPT__F_TOKEN_EP, MCPT__F_REVOKE_EP,
    MCPT__F_REGISTER_EP, MCPT__F_CLIENT_ID, MCPT__F_ASKED, MCPT__F_VERIFIER, MCPT__F_STATE, MCPT__F_DEVICE_CODE,
    MCPT__F_USER_CODE, MCPT__F_VERIFY_URI, MCPT__F_NUMBERS, MCPT__F_PUSH_EP, 0 };
static const uint8_t mcpt__oa_tokens[] = { MCPT__F_ACCESS, MCPT__F_REFRESH, MCPT__F_GRANTED, 0 };
static const uint8_t mcpt__oa_client[] = { MCPT__F_CLIENT_ID, MCPT__F_SECRET, MCPT__F_METHOD, MCPT__F_REG_URI, MCPT__F_REG_TOKEN, 0 };
static const uint8_t mcpt__oa_attempt[] = { MCPT__F_VERIFIER, MCPT__F_STATE, MCPT__F_CODE, MCPT__F_DEVICE_CODE, MCPT__F_USER_CODE,
                                            MCPT__F_VERIFY_URI, MCPT__F_ASSERTION, MCPT__F_URL, MCPT__F_ISS, 0 };

static bool mcpt__oa_sha256(const mcpt_oauth *o, const mcpt_str *parts, size_t n, uint8_t out[32])
{
    const mcpt_crypto *c = o->config->env->crypto;

    return c->sha256(c->user, parts, n, out);
}

/* The store's key of a record: its kind and 70 bits of the hash of what it belongs to. */
static bool mcpt__oa_key(const mcpt_oauth *o, char kind, mcpt_str a, mcpt_str b, char key[16])
{
    uint8_t hash[32];
    mcpt_str parts[3];
    uint32_t bits = 0;
    unsigned have = 0, at = 0, i;

    parts[0] = a;
    parts[1] = mcpt__mk("\n", 1);
    parts[2] = b;
    if (!mcpt__oa_sha256(o, parts, 3, hash)) {
        return false;
    }
    key[0] = kind;
    for (i = 1; i < 15; i++) {                              /* base32, lower case */
        if (have < 5) {
            bits = bits << 8 | hash[at++];
            have += 8;
        }
        have -= 5;
        key[i] = "abcdefghijklmnopqrstuvwxyz234567"[bits >> have & 31u];
    }
    key[15] = '\0';
    return true;
}

static bool mcpt__oa_session_key(const mcpt_oauth *o, char kind, char key[16])
{
    return mcpt__oa_key(o, kind, o->endpoint, mcpt_z(o->config->session != NULL ? o->config->session : ""), key);
}

static bool mcpt__oa_client_key(const mcpt_oauth *o, char key[16])
{
    return mcpt__oa_key(o, 'c', mcpt__oa_get(o, MCPT__F_ISSUER), mcpt_z(o->config->redirect_uri != NULL ? o->config->redirect_uri : ""),
                        key);
}

/* Seals or opens a record of n bytes in place, tag included: encrypted where the crypto can, else authenticated. */
static bool mcpt__oa_seal(const mcpt_oauth *o, const char *key, char *p, size_t n, bool open)
{
    static const uint8_t none[32] = { 0 };
    const mcpt_crypto *c = o->config->env->crypto;
    const uint8_t *secret = o->config->store_key != NULL ? (const uint8_t *)o->config->store_key : none;
    uint8_t tag[32];
    mcpt_str parts[2];
    char aad[16 + MCPT__REC_NONCE];
    bool ok;

    if (o->config->store_key != NULL && c->aead_seal != NULL && c->aead_open != NULL) {
        uint8_t *text = (uint8_t *)p + MCPT__REC_HEAD;
        MCPT_MEMCPY(aad, key, 16);
        MCPT_MEMCPY(aad + 16, p, MCPT__REC_NONCE);
        return open ? c->aead_open(c->user, secret, (const uint8_t *)p + MCPT__REC_NONCE, mcpt__mk(aad, sizeof(aad)), text, n - MCPT__REC_HEAD, text)
                    : c->aead_seal(c->user, secret, (const uint8_t *)p + MCPT__REC_NONCE, mcpt__mk(aad, sizeof(aad)), text,
                                   n - MCPT__REC_HEAD - MCPT__REC_TAG, text);
    }
    parts[0] = mcpt_z(key);
    parts[1] = mcpt__mk(p, n - MCPT__REC_TAG);
    ok = c->hmac_sha256 != NULL && c->hmac_sha256(c->user, secret, 32, parts, 2, tag);
    if (ok && open) {
        ok = mcpt_same(tag, p + n - MCPT__REC_TAG, MCPT__REC_TAG);
    } else if (ok) {
        MCPT_MEMCPY(p + n - MCPT__REC_TAG, tag, MCPT__REC_TAG);
    }
    mcpt_wipe(tag, sizeof(tag));
    return ok;
}

static void mcpt__oa_put64(char *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (char)(v >> (56 - 8 * i) & 0xffu);
    }
}

static uint64_t mcpt__oa_get64(const char *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++) {
        v = v << 8 | (unsigned char)p[i];
    }
    return v;
}

/* Flags, authentication method and times as a fact, and back. */
static void mcpt__oa_numbers(mcpt_oauth *o, bool load)
{
    mcpt_str v = mcpt__oa_get(o, MCPT__F_NUMBERS);
    char raw[24];

    if (!load) {
        mcpt__oa_put64(raw, (uint64_t)o->expires);
        mcpt__oa_put64(raw + 8, (uint64_t)(o->flags & 255u) << 32 | (uint64_t)o->auth << 40 | o->margin);
        mcpt__oa_put64(raw + 16, o->interval);
        mcpt__oa_set(o, MCPT__F_NUMBERS, mcpt__mk(raw, sizeof(raw)));
    } else if (v.len == sizeof(raw)) {
        uint64_t bits = mcpt__oa_get64(v.ptr + 8);
        o->expires = (int64_t)mcpt__oa_get64(v.ptr);
        o->flags = (o->flags & ~255u) | (uint32_t)(bits >> 32 & 255u);
        o->auth = (uint8_t)(bits >> 40);
        o->margin = (uint32_t)bits;
        o->interval = (uint32_t)mcpt__oa_get64(v.ptr + 16);
    }
}

static uint32_t mcpt__oa_millis(const mcpt_oauth *o)
{
    return o->config->env->millis(o->config->env->user);
}

/* Writes the facts named by tags under key; expires 0: never. OK without a store. */
static mcpt_err mcpt__oa_save(mcpt_oauth *o, const char *key, const uint8_t *tags, int64_t expires)
{
    const mcpt_store *store = o->config->store;
    const mcpt_env *env = o->config->env;
    mcpt__text t;
    char head[MCPT__REC_HEAD] = { 'M', 'T', 1, 0 }, *begin;
    mcpt_err e;

    if (store == NULL) {
        return o->err;
    }
    mcpt__oa_numbers(o, false);
    t = mcpt__oa_room(o);
    begin = t.at;
    head[3] = key[0];
    mcpt__oa_put64(head + MCPT__REC_EXPIRY, (uint64_t)expires);
    if (!env->random(env->user, head + MCPT__REC_NONCE, 12)) {
        return MCPT_E_RANDOM;
    }
    mcpt__add(&t, mcpt__mk(head, sizeof(head)));
    for (; *tags != 0; tags++) {
        mcpt_str v = mcpt__oa_get(o, *tags);
        if (v.ptr != NULL) {
            mcpt__add(&t, mcpt__mk(v.ptr - 3, v.len + 3));
        }
    }
    mcpt__add(&t, mcpt__mk(head, MCPT__REC_TAG));
    if (t.full || o->err != MCPT_OK) {
        e = MCPT_E_SPACE;
    } else if (!mcpt__oa_seal(o, key, begin, (size_t)(t.at - begin), false)) {
        e = MCPT_E_CRYPTO;
    } else {
        e = store->write(store->user, key, mcpt__since(&t, begin));
    }
    mcpt_wipe(begin, (size_t)(t.at - begin));
    return e;
}

/* Reads a record into facts. E_ABSENT also for a damaged, foreign or newer one; E_TIMEOUT: it has expired. take: it is erased
 * first, and by one process only, where the store has swap. */
static mcpt_err mcpt__oa_load(mcpt_oauth *o, const char *key, bool take)
{
    const mcpt_store *store = o->config->store;
    int64_t now = mcpt__wall(o->config->env), expires;
    size_t n = 0, at, end;
    char *p = o->mem + o->used;
    mcpt_err e = MCPT_E_ABSENT;

    o->top = o->size;
    if (store != NULL) {
        e = store->read(store->user, key, p, o->top - o->used, &n);
    }
    if (e != MCPT_OK) {
        return e == MCPT_E_DAMAGED || e == MCPT_E_FORMAT ? MCPT_E_ABSENT : e;
    }
    if (take) {
        e = store->swap != NULL ? store->swap(store->user, key, mcpt__mk(p, n), mcpt__mk(NULL, 0)) : store->erase(store->user, key);
        if (e != MCPT_OK) {
            mcpt_wipe(p, n);
            return e == MCPT_E_CONFLICT ? MCPT_E_ABSENT : MCPT_E_STORE;
        }
    }
    if (n < MCPT__REC_HEAD + MCPT__REC_TAG || p[0] != 'M' || p[1] != 'T' || p[2] != 1 || p[3] != key[0] ||
        !mcpt__oa_seal(o, key, p, n, true)) {
        mcpt_wipe(p, n);
        return MCPT_E_ABSENT;
    }
    expires = (int64_t)mcpt__oa_get64(p + MCPT__REC_EXPIRY);
    if (expires != 0 && now >= 0 && now >= expires) {
        mcpt_wipe(p, n);
        return MCPT_E_TIMEOUT;
    }
    end = n - MCPT__REC_TAG;                                /* to the top, out of the way of the facts it becomes */
    MCPT_MEMMOVE(o->mem + o->size - end, p, end);
    p = o->mem + o->size - end;
    o->top = o->size - (uint32_t)end;
    for (at = MCPT__REC_HEAD; end - at >= 3 && e == MCPT_OK;) {
        size_t len = (size_t)(unsigned char)p[at + 1] << 8 | (unsigned char)p[at + 2];
        if (len > end - at - 3) {
            break;
        }
        o->top = o->size - (uint32_t)(end - at);            /* what is read already is room */
        mcpt__oa_set(o, (unsigned char)p[at], mcpt__mk(p + at + 3, len));
        e = o->err;
        at += 3 + len;
    }
    mcpt_wipe(p, end);
    mcpt__oa_numbers(o, true);
    return e;
}

static void mcpt__oa_erase(const mcpt_oauth *o, const char *key)
{
    if (o->config->store != NULL) {
        (void)o->config->store->erase(o->config->store->user, key);
    }
}

/* Erases a record of an attempt whose time is over; without a clock nobody knows, then it is the eighth and more that go. */
static bool mcpt__oa_sweep(void *user, const char *key)
{
    mcpt_oauth *o = (mcpt_oauth *)user;
    const mcpt_store *store = o->config->store;
    mcpt__text t = mcpt__oa_room(o);
    int64_t now = mcpt__wall(o->config->env), expires;
    size_t n = 0;

    if (MCPT_STRLEN(key) == MCPT_STORE_KEY && store->read(store->user, key, t.at, (size_t)(t.end - t.at), &n) == MCPT_OK && n > MCPT__REC_HEAD &&
        t.at[0] == 'M' && t.at[1] == 'T' && t.at[2] == 1 && t.at[3] == 'a') {
        expires = (int64_t)mcpt__oa_get64(t.at + MCPT__REC_EXPIRY);
        if (now >= 0 && expires != 0 ? now >= expires : ++o->round >= 8) {
            mcpt__oa_erase(o, key);
        }
    }
    return true;
}

#endif /* !MCPT_NO_OAUTH */

/* >>oauth-requests: implementation -----------------------------------------------------------------------
 * What is asked of whom: discovery, registration, the token endpoint, the person. */
#if !MCPT_NO_OAUTH
/* -- ends of a step */
static void mcpt__oa_fail(mcpt_oauth *o, mcpt_err e)
{
    o->state = MCPT_OAUTH_FAILED;
    o->step = MCPT__STEP_NONE;
    o->err = e;
}

/* Keeps what the other side said, for a person: printable ASCII, cut. */
static void mcpt__oa_say(mcpt_oauth *o, mcpt_str a, mcpt_str b)
{
    size_t n = 0, i;

    for (i = 0; i < a.len + b.len && n < sizeof(o->reason) - 1; i++) {
        char c = i < a.len ? a.ptr[i] : b.ptr[i - a.len];
        if (i == a.len && n != 0 && n < sizeof(o->reason) - 3) {
            o->reason[n++] = ':';
            o->reason[n++] = ' ';
        }
        o->reason[n++] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    o->reason[n] = '\0';
}

static void mcpt__oa_end(mcpt_oauth *o, mcpt_err e, const char *why)
{
    mcpt__oa_say(o, mcpt_z(why), mcpt__mk(NULL, 0));
    mcpt__oa_fail(o, e);
}

static mcpt_err mcpt__oa_save_session(mcpt_oauth *o)
{
    char key[16];

    return !mcpt__oa_session_key(o, 's', key) ? MCPT_E_CRYPTO : mcpt__oa_save(o, key, mcpt__rec_session, 0);
}

/* -- requests */
static void mcpt__oa_send(mcpt_oauth *o, unsigned step, const mcpt__text *t, const char *method, mcpt_str url,
                          mcpt_str authorization, const char *type, mcpt_str body)
{
    mcpt_url u;

    if (t->full) {
        mcpt__oa_fail(o, o->err != MCPT_OK ? o->err : MCPT_E_SPACE);
    } else if (!mcpt__oa_url(o, url, &u)) {
        mcpt__oa_fail(o, MCPT_E_ARG);
    } else {
        o->request.method = method;
        o->request.url = url;
        o->request.authorization = authorization;
        o->request.content_type = type;
        o->request.body = body;
        o->request.dpop = mcpt__mk(NULL, 0);
        o->step = (uint8_t)step;
        o->state = MCPT_OAUTH_REQUEST;
        o->status = 0;
    }
}

/* Where the document called name stands for a URL (RFC 8414 section 3.1). */
static void mcpt__oa_well_known(mcpt__text *t, mcpt_str url, const char *name)
{
    size_t n = mcpt_well_known_url(url, name, t->at, (size_t)(t->end - t->at));

    t->full = t->full || n == 0;
    t->at += n;
}

/* Scheme, host and port of a URL that u was made from. */
static mcpt_str mcpt__oa_origin(mcpt_str url, const mcpt_url *u)
{
    return mcpt__mk(url.ptr, (size_t)(u->path.ptr - url.ptr));
}

/* Protected resource metadata: where the challenge says, else below the path, else at the root (RFC 9728 section 3.1). */
static void mcpt__oa_ask_resource(mcpt_oauth *o)
{
    mcpt__text t = mcpt__oa_room(o);
    char *begin = t.at;
    mcpt_str given = mcpt__oa_get(o, MCPT__F_CHALLENGE_URL), endpoint = o->endpoint;
    mcpt_url u;

    (void)mcpt_url_split(endpoint, &u);
    if (given.ptr != NULL) {
        mcpt__add(&t, given);
    } else if (o->round != 0 || mcpt__oa_path(&u).len == 0) {
        o->round = 1;
        mcpt__oa_well_known(&t, mcpt__oa_origin(endpoint, &u), "oauth-protected-resource");
    } else {
        mcpt__oa_well_known(&t, mcpt__mk(endpoint.ptr, (size_t)(u.path.ptr + u.path.len - endpoint.ptr)), "oauth-protected-resource");
        mcpt__addz(&t, u.query.ptr != NULL ? "?" : "");
        mcpt__add(&t, u.query);
    }
    mcpt__oa_send(o, MCPT__STEP_RESOURCE, &t, "GET", mcpt__since(&t, begin), mcpt__mk(NULL, 0), NULL, mcpt__mk(NULL, 0));
}

/* Authorization server metadata: RFC 8414 and OpenID Connect Discovery, never at the root for an issuer with a path. */
static void mcpt__oa_ask_server(mcpt_oauth *o)
{
    mcpt__text t = mcpt__oa_room(o);
    char *begin = t.at;
    mcpt_str issuer = mcpt__oa_get(o, MCPT__F_ISSUER);

    if (o->round < 2) {
        mcpt__oa_well_known(&t, issuer, o->round == 0 ? "oauth-authorization-server" : "openid-configuration");
    } else {                                                /* OpenID Connect Discovery section 4: appended */
        issuer.len -= issuer.ptr[issuer.len - 1] == '/' ? 1u : 0u;
        mcpt__add(&t, issuer);
        mcpt__addz(&t, "/.well-known/openid-configuration");
    }
    mcpt__oa_send(o, MCPT__STEP_SERVER, &t, "GET", mcpt__since(&t, begin), mcpt__mk(NULL, 0), NULL, mcpt__mk(NULL, 0));
}

static const struct { uint16_t flag; const char *name; } mcpt__oa_methods[] = {     /* token_endpoint_auth_methods */
    { MCPT__OA_BASIC, "client_secret_basic" }, { MCPT__OA_POST, "client_secret_post" }, { MCPT__OA_NONE, "none" },
    { MCPT__OA_KEY, "private_key_jwt" } };

static uint32_t mcpt__oa_method(mcpt_str name)              /* 0: none of these */
{
    uint32_t flag = 0;

    for (size_t i = 0; i < MCPT_COUNT(mcpt__oa_methods); i++) {
        flag |= mcpt_str_is(name, mcpt__oa_methods[i].name) ? mcpt__oa_methods[i].flag : 0u;
    }
    return flag;
}

/* How this client authenticates at the token endpoint: what it was registered with decides, or what the server lists, then
 * what we have. */
static void mcpt__oa_choose_auth(mcpt_oauth *o)
{
    uint32_t chosen = mcpt__oa_method(mcpt__oa_get(o, MCPT__F_METHOD)), listed = chosen != 0 ? chosen : o->flags & MCPT__OA_METHODS;
    bool secret = mcpt__oa_get(o, MCPT__F_SECRET).ptr != NULL;

    listed = listed != 0 ? listed : (uint32_t)MCPT__OA_BASIC;              /* RFC 8414 section 2: the default */
#if !MCPT_NO_JWT
    if (o->config->signer != NULL && (listed & MCPT__OA_KEY) != 0) {
        o->auth = MCPT__AUTH_KEY;
        return;
    }
#endif
    o->auth = secret && (listed & MCPT__OA_BASIC) != 0 ? MCPT__AUTH_BASIC :
              secret && (listed & MCPT__OA_POST) != 0 ? MCPT__AUTH_POST : MCPT__AUTH_NONE;
}

static mcpt_str mcpt__oa_basic(const mcpt_oauth *o, mcpt__text *t, mcpt_str id, mcpt_str secret)
{
    const char *begin = t->at;

    mcpt__add_basic(t, id, secret, (o->config->quirks & MCPT_QUIRK_RAW_BASIC) != 0);
    return t->full ? mcpt__mk(NULL, 0) : mcpt__since(t, begin);
}

static mcpt_str mcpt__oa_resource(const mcpt_oauth *o)
{
    return (o->config->quirks & MCPT_QUIRK_NO_RESOURCE) != 0 ? mcpt__mk(NULL, 0) : mcpt__oa_get(o, MCPT__F_RESOURCE);
}

#if !MCPT_NO_JWT
/* The parameters of a private_key_jwt assertion (RFC 7523 section 2.2); its audience is the issuer. */
static void mcpt__oa_assertion(mcpt_oauth *o, mcpt__text *t, const char *begin)
{
    mcpt_str jwt;

    mcpt__oa_param(t, begin, "client_assertion_type", mcpt_z("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    mcpt__addz(t, "&client_assertion=");
    o->err = mcpt_jwt_assertion(o->config->signer, o->config->env, o->config->key_id, mcpt__oa_get(o, MCPT__F_CLIENT_ID),
                                mcpt__oa_get(o, MCPT__F_ISSUER), t->at, (size_t)(t->end - t->at), &jwt);
    t->full = t->full || o->err != MCPT_OK;
    t->at += t->full ? 0 : jwt.len;                         /* base64url and dots need no encoding */
}
#endif

/* A proof for the request that stands in t (RFC 9449 section 5), when tokens shall be bound; behind it. */
static mcpt_str mcpt__oa_proof(mcpt_oauth *o, mcpt__text *t, mcpt_str url)
{
    mcpt_str jwt = mcpt__mk(NULL, 0);

#if !MCPT_NO_JWT
    if (o->config->dpop != NULL && (o->flags & MCPT__OA_DPOP) != 0) {
        const char *query = (const char *)MCPT_MEMCHR(url.ptr, '?', url.len);
        url.len = query != NULL ? (size_t)(query - url.ptr) : url.len;
        o->err = mcpt_jwt_proof(o->config->dpop, o->config->env, mcpt_z("POST"), url, mcpt__mk(NULL, 0), mcpt__oa_get(o, MCPT__F_AS_NONCE),
                                t->at, (size_t)(t->end - t->at), &jwt);
        t->full = t->full || o->err != MCPT_OK;
        t->at += t->full ? 0 : jwt.len;
    }
#else
    (void)o;
    (void)t;
    (void)url;
#endif
    return jwt;
}

/* A POST to the token endpoint or one that authenticates as it does. The body is begun by the caller in t; the client's
 * authentication is added. */
static void mcpt__oa_post(mcpt_oauth *o, unsigned step, mcpt__text *t, char *begin, mcpt_str url)
{
    const bool idp = step == MCPT__STEP_EXCHANGE;           /* the identity provider, which knows us by another name */
    mcpt_str id = idp ? mcpt_z(o->config->idp_client_id) : mcpt__oa_get(o, MCPT__F_CLIENT_ID), basic = mcpt__mk(NULL, 0), body, proof;
    mcpt_str secret = idp ? mcpt_z(o->config->idp_client_secret) : mcpt__oa_get(o, MCPT__F_SECRET);
    const unsigned auth = !idp ? o->auth : secret.ptr != NULL ? (unsigned)MCPT__AUTH_BASIC : (unsigned)MCPT__AUTH_NONE;

#if !MCPT_NO_JWT
    if (auth == MCPT__AUTH_KEY) {
        mcpt__oa_assertion(o, t, begin);
    }
#endif
    if (auth == MCPT__AUTH_NONE || auth == MCPT__AUTH_POST) {
        mcpt__oa_param(t, begin, "client_id", id);
        mcpt__oa_param(t, begin, "client_secret", auth == MCPT__AUTH_POST ? secret : mcpt__mk(NULL, 0));
    }
    body = mcpt__since(t, begin);
    basic = auth == MCPT__AUTH_BASIC ? mcpt__oa_basic(o, t, id, secret) : basic;
    proof = step >= MCPT__STEP_CODE && step <= MCPT__STEP_ASSERT && !idp ? mcpt__oa_proof(o, t, url) : mcpt__mk(NULL, 0);
    mcpt__oa_send(o, step, t, "POST", url, basic, "application/x-www-form-urlencoded", body);
    o->request.dpop = proof;
}

/* The body of one of the grants at the token endpoint. */
static void mcpt__oa_ask_token(mcpt_oauth *o, unsigned step)
{
    static const char *const grants[] = {                     /* from MCPT__STEP_CODE on */
        "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer" };
    mcpt__text t = mcpt__oa_room(o);
    char *begin = t.at;

    mcpt__oa_param(&t, begin, "grant_type", mcpt_z(grants[step - MCPT__STEP_CODE]));
    if (step == MCPT__STEP_CODE) {
        mcpt__oa_param(&t, begin, "code", mcpt__oa_get(o, MCPT__F_CODE));
        mcpt__oa_param(&t, begin, "redirect_uri", mcpt_z(o->config->redirect_uri));
        mcpt__oa_param(&t, begin, "code_verifier", mcpt__oa_get(o, MCPT__F_VERIFIER));
    } else if (step == MCPT__STEP_REFRESH) {
        mcpt__oa_param(&t, begin, "refresh_token", mcpt__oa_get(o, MCPT__F_REFRESH));
    } else if (step == MCPT__STEP_POLL) {
        mcpt__oa_param(&t, begin, "device_code", mcpt__oa_get(o, MCPT__F_DEVICE_CODE));
    } else if (step == MCPT__STEP_EXCHANGE) {               /* the ID token for an assertion to the other server */
        mcpt__oa_param(&t, begin, "requested_token_type", mcpt_z("urn:ietf:params:oauth:token-type:id-jag"));
        mcpt__oa_param(&t, begin, "audience", mcpt__oa_get(o, MCPT__F_ISSUER));
        mcpt__oa_param(&t, begin, "subject_token", mcpt_z(o->config->assertion));
        mcpt__oa_param(&t, begin, "subject_token_type", mcpt_z("urn:ietf:params:oauth:token-type:id_token"));
    } else if (step == MCPT__STEP_ASSERT) {
        mcpt__oa_param(&t, begin, "assertion", o->config->grant == MCPT_GRANT_ENTERPRISE ? mcpt__oa_get(o, MCPT__F_ASSERTION) : mcpt_z(o->config->assertion));
    }
    if (step >= MCPT__STEP_CLIENT) {
        mcpt__oa_param(&t, begin, "scope", mcpt__oa_get(o, MCPT__F_ASKED));
    }
    if (step != MCPT__STEP_POLL) {
        mcpt__oa_param(&t, begin, "resource", mcpt__oa_resource(o));
    }
    mcpt__oa_post(o, step, &t, begin, step == MCPT__STEP_EXCHANGE ? mcpt_z(o->config->idp_token_endpoint) : mcpt__oa_get(o, MCPT__F_TOKEN_EP));
}

/* Dynamic client registration, RFC 7591 section 3.1. */
static void mcpt__oa_ask_register(mcpt_oauth *o)
{
    const mcpt_oauth_config *c = o->config;
    const bool device = c->grant == MCPT_GRANT_DEVICE && mcpt__oa_get(o, MCPT__F_DEVICE_EP).ptr != NULL;
    mcpt__text t = mcpt__oa_room(o);
    mcpt_str url = mcpt__oa_get(o, MCPT__F_REGISTER_EP), bearer = mcpt__mk(NULL, 0), body, asked;
    mcpt_url redirect;
    mcpt_writer w;
    char *scope = t.at;

    mcpt__oa_union(&t, scope, mcpt__oa_get(o, MCPT__F_ASKED));             /* what it may ever ask for: a step-up keeps the client */
    mcpt__oa_union(&t, scope, mcpt__oa_get(o, MCPT__F_META_SCOPE));
    asked = mcpt__since(&t, scope);
    if (c->initial_token != NULL) {
        char *begin = t.at;
        mcpt__addz(&t, "Bearer ");
        mcpt__addz(&t, c->initial_token);
        bearer = mcpt__since(&t, begin);
    }
    mcpt_w_init(&w, t.at, (size_t)(t.end - t.at));
    mcpt_obj(&w);
    if (c->redirect_uri != NULL) {
        bool web = mcpt_url_split(mcpt_z(c->redirect_uri), &redirect) && mcpt_str_ieq(redirect.scheme, "https");
        mcpt_key(&w, "redirect_uris");
        mcpt_arr(&w);
        mcpt_put_z(&w, c->redirect_uri);
        mcpt_end(&w);
        mcpt_kv_z(&w, "application_type", web != (o->round != 0) ? "web" : "native");
    }
    mcpt_kv_z(&w, "client_name", c->client_name);
    mcpt_kv_z(&w, "client_uri", c->client_uri);
    mcpt_kv_z(&w, "software_id", c->software_id);
    mcpt_kv_z(&w, "software_version", c->software_version);
    mcpt_kv_raw(&w, "grant_types", mcpt_z(device ? "[\"urn:ietf:params:oauth:grant-type:device_code\",\"refresh_token\"]"
                                                 : "[\"authorization_code\",\"refresh_token\"]"));
    mcpt_kv_raw(&w, "response_types", mcpt_z(device ? "[]" : "[\"code\"]"));
    mcpt_kv_z(&w, "token_endpoint_auth_method",
              !c->public_client && (o->flags & MCPT__OA_BASIC) != 0 ? "client_secret_basic" :
              !c->public_client && (o->flags & MCPT__OA_POST) != 0 ? "client_secret_post" : "none");
    if (asked.len != 0) {
        mcpt_kv_str(&w, "scope", asked);
    }
    mcpt_end(&w);
    t.full = t.full || mcpt_w_done(&w, &body) != MCPT_OK;
    mcpt__oa_send(o, MCPT__STEP_REGISTER, &t, "POST", url, bearer, "application/json", t.full ? mcpt__mk(NULL, 0) : body);
}

static void mcpt__oa_ask_device(mcpt_oauth *o)
{
    mcpt__text t = mcpt__oa_room(o);
    char *begin = t.at;

    mcpt__oa_param(&t, begin, "scope", mcpt__oa_get(o, MCPT__F_ASKED));
    mcpt__oa_param(&t, begin, "resource", mcpt__oa_resource(o));
    mcpt__oa_post(o, MCPT__STEP_DEVICE, &t, begin, mcpt__oa_get(o, MCPT__F_DEVICE_EP));
}

/* -- the person's part */
static bool mcpt__oa_pending_key(const mcpt_oauth *o, mcpt_str hash, char key[16])
{
    char session[16];

    return mcpt__oa_session_key(o, 's', session) && mcpt__oa_key(o, 'a', hash, mcpt_z(session), key);
}

static bool mcpt__oa_random64(const mcpt_oauth *o, size_t bytes, char *text, size_t cap, size_t *len)
{
    uint8_t raw[32];
    bool ok = o->config->env->random(o->config->env->user, raw, bytes);

    *len = mcpt_b64_encode(raw, bytes, true, text, cap);
    mcpt_wipe(raw, sizeof(raw));
    return ok && *len != 0;
}

/* The authorization endpoint and whose request it is: the URL's beginning, or, of a request that was pushed, nearly all of it. */
static void mcpt__oa_to_endpoint(const mcpt_oauth *o, mcpt__text *t, const char *begin)
{
    mcpt_str endpoint = mcpt__oa_get(o, MCPT__F_AUTHORIZE_EP);

    mcpt__add(t, endpoint);
    mcpt__addz(t, MCPT_MEMCHR(endpoint.ptr, '?', endpoint.len) == NULL ? "?" : "");
    mcpt__oa_param(t, begin, "client_id", mcpt__oa_get(o, MCPT__F_CLIENT_ID));
}

static void mcpt__oa_to_person(mcpt_oauth *o, const mcpt__text *t, const char *begin)
{
    mcpt__oa_set(o, MCPT__F_URL, mcpt__since(t, begin));
    if (t->full || o->err != MCPT_OK) {
        mcpt__oa_fail(o, MCPT_E_SPACE);
        return;
    }
    o->due = mcpt__oa_millis(o) + 600000u;
    o->step = MCPT__STEP_NONE;
    o->state = MCPT_OAUTH_USER;
}

/* The authorization request, RFC 6749 section 4.1.1 with RFC 7636 and RFC 8707; where the server requires it, pushed (RFC 9126).
 * The pending record is written before the URL exists. */
static void mcpt__oa_authorize(mcpt_oauth *o)
{
    char verifier[44], state[33], challenge[44], key[16];
#if !MCPT_NO_JWT
    char jkt[43];
#endif
    uint8_t hash[32];
    size_t nv, ns, nc;
    mcpt_str push, part;
    mcpt__text t;
    char *begin;
    mcpt_err e;
    int64_t now = mcpt__wall(o->config->env);

    if (!mcpt__oa_random64(o, 32, verifier, sizeof(verifier), &nv) || !mcpt__oa_random64(o, 24, state, sizeof(state), &ns)) {
        mcpt__oa_fail(o, MCPT_E_RANDOM);
        return;
    }
    part = mcpt__mk(state, ns);
    e = mcpt__oa_sha256(o, &part, 1, hash) ? MCPT_OK : MCPT_E_CRYPTO;
    mcpt__oa_set(o, MCPT__F_STATE, mcpt__mk((const char *)hash, 32));
    mcpt__oa_set(o, MCPT__F_VERIFIER, mcpt__mk(verifier, nv));
    if (e == MCPT_OK && !mcpt__oa_pending_key(o, mcpt__mk((const char *)hash, 32), key)) {
        e = MCPT_E_CRYPTO;
    }
    if (e == MCPT_OK) {
        o->round = 0;
        if (o->config->store != NULL && o->config->store->list != NULL) {
            (void)o->config->store->list(o->config->store->user, "a", mcpt__oa_sweep, o);
        }
        e = mcpt__oa_save(o, key, mcpt__rec_pending, now >= 0 ? now + 600 : 0);
    }
    part = mcpt__mk(verifier, nv);
    if (e == MCPT_OK && !mcpt__oa_sha256(o, &part, 1, hash)) {
        e = MCPT_E_CRYPTO;
    }
    mcpt_wipe(verifier, sizeof(verifier));
    if (e != MCPT_OK) {
        mcpt__oa_fail(o, e);
        return;
    }
    nc = mcpt_b64_encode(hash, 32, true, challenge, sizeof(challenge));
    push = mcpt__oa_get(o, MCPT__F_PUSH_EP);
    t = mcpt__oa_room(o);
    begin = t.at;
    if (push.ptr == NULL) {
        mcpt__oa_to_endpoint(o, &t, begin);
    } else if (o->auth == MCPT__AUTH_BASIC || o->auth == MCPT__AUTH_KEY) {     /* else the client's authentication has it */
        mcpt__oa_param(&t, begin, "client_id", mcpt__oa_get(o, MCPT__F_CLIENT_ID));
    }
    mcpt__oa_param(&t, begin, "response_type", mcpt_z("code"));
    mcpt__oa_param(&t, begin, "redirect_uri", mcpt_z(o->config->redirect_uri));
    mcpt__oa_param(&t, begin, "code_challenge", mcpt__mk(challenge, nc));
    mcpt__oa_param(&t, begin, "code_challenge_method", mcpt_z("S256"));
    mcpt__oa_param(&t, begin, "state", mcpt__mk(state, ns));
    mcpt__oa_param(&t, begin, "scope", mcpt__oa_get(o, MCPT__F_ASKED));
    mcpt__oa_param(&t, begin, "resource", mcpt__oa_resource(o));
#if !MCPT_NO_JWT
    if (o->config->dpop != NULL && (o->flags & MCPT__OA_DPOP) != 0 && mcpt_signer_thumbprint(o->config->dpop, jkt) == MCPT_OK) {
        mcpt__oa_param(&t, begin, "dpop_jkt", mcpt__mk(jkt, sizeof(jkt)));     /* RFC 9449 section 10 */
    }
#endif
    if (mcpt__word_in(mcpt__oa_get(o, MCPT__F_ASKED), mcpt_z("offline_access"))) {
        mcpt__oa_param(&t, begin, "prompt", mcpt_z("consent"));            /* OpenID Connect Core section 11 */
    }
    if (o->config->extra != NULL) {
        mcpt__addz(&t, "&");
        mcpt__addz(&t, o->config->extra);
    }
    if (push.ptr != NULL) {
        mcpt__oa_post(o, MCPT__STEP_PUSH, &t, begin, push);
    } else {
        mcpt__oa_to_person(o, &t, begin);
    }
}

static bool mcpt__oa_iss_ok(const mcpt_oauth *o)           /* what the callback said, RFC 9207 section 2.4 */
{
    mcpt_str iss = mcpt__oa_get(o, MCPT__F_ISS);

    return iss.ptr == NULL ? (o->flags & MCPT__OA_ISS) == 0 : mcpt_str_eq(iss, mcpt__oa_get(o, MCPT__F_ISSUER));
}

/* A client identity is there. */
static void mcpt__oa_have_client(mcpt_oauth *o)
{
    const bool adopted = mcpt__oa_get(o, MCPT__F_CODE).ptr != NULL;

    if (adopted && !mcpt__oa_iss_ok(o)) {
        mcpt__oa_fail(o, MCPT_E_ISSUER);
    } else if (adopted) {
        mcpt__oa_ask_token(o, MCPT__STEP_CODE);
    } else if ((o->flags & MCPT__OA_CHECK) != 0 && mcpt__oa_get(o, MCPT__F_REFRESH).ptr != NULL) {
        mcpt__oa_ask_token(o, MCPT__STEP_REFRESH);
    } else if (o->config->grant == MCPT_GRANT_DEVICE && mcpt__oa_get(o, MCPT__F_DEVICE_EP).ptr != NULL) {
        mcpt__oa_ask_device(o);
    } else if (o->config->redirect_uri == NULL || mcpt__oa_get(o, MCPT__F_AUTHORIZE_EP).ptr == NULL) {
        mcpt__oa_end(o, MCPT_E_GRANT, "no grant that this client can use");
    } else {
        mcpt__oa_authorize(o);
    }
}

/* Takes the configured identity; false: there is none, or it belongs to another issuer (then the step has failed). */
static bool mcpt__oa_preregistered(mcpt_oauth *o)
{
    const mcpt_oauth_config *c = o->config;

    if (c->client_id == NULL) {
        return false;
    }
    if (c->client_issuer != NULL && !mcpt_str_is(mcpt__oa_get(o, MCPT__F_ISSUER), c->client_issuer)) {
        mcpt__oa_end(o, MCPT_E_ISSUER, "client_id belongs to another issuer");
        return false;
    }
    mcpt__oa_set(o, MCPT__F_CLIENT_ID, mcpt_z(c->client_id));
    mcpt__oa_set(o, MCPT__F_SECRET, mcpt_z(c->client_secret));
    mcpt__oa_choose_auth(o);
    return true;
}

/* Pre-registered, then client ID metadata document, then registered before, then dynamic registration. */
static void mcpt__oa_find_client(mcpt_oauth *o)
{
    char key[16];
    mcpt_err e;

    mcpt__oa_drop(o, mcpt__oa_client);
    o->flags &= ~(uint32_t)MCPT__OA_DYNAMIC;
    o->round = 0;
    if (mcpt__oa_preregistered(o)) {
        mcpt__oa_have_client(o);
        return;
    }
    if (o->state == MCPT_OAUTH_FAILED) {
        return;
    }
    if (o->config->client_metadata_url != NULL && (o->flags & MCPT__OA_CIMD) != 0) {
        mcpt__oa_set(o, MCPT__F_CLIENT_ID, mcpt_z(o->config->client_metadata_url));
        mcpt__oa_choose_auth(o);
        mcpt__oa_have_client(o);
        return;
    }
    e = mcpt__oa_client_key(o, key) ? mcpt__oa_load(o, key, false) : MCPT_E_CRYPTO;
    o->flags |= MCPT__OA_DYNAMIC;
    if (e == MCPT_OK) {
        mcpt__oa_choose_auth(o);
        mcpt__oa_have_client(o);
    } else if (e != MCPT_E_ABSENT && e != MCPT_E_TIMEOUT) {
        mcpt__oa_fail(o, e);
    } else if (mcpt__oa_get(o, MCPT__F_REGISTER_EP).ptr == NULL) {
        mcpt__oa_end(o, MCPT_E_CLIENT, "no client_id, and the server registers none");
    } else {
        mcpt__oa_ask_register(o);
    }
}

/* The authorization server is known: which scopes, then what the grant needs. */
static void mcpt__oa_have_server(mcpt_oauth *o)
{
    const mcpt_oauth_config *c = o->config;
    mcpt_str scope = mcpt__oa_get(o, MCPT__F_CHALLENGE_SCOPE);

    if ((o->flags & MCPT__OA_STEP) == 0) {                  /* a step-up has chosen already */
        mcpt__text t = mcpt__oa_room(o);
        char *begin = t.at;
        mcpt_str before = mcpt__oa_get(o, MCPT__F_GRANTED);                /* is asked for again */
        scope = scope.ptr != NULL ? scope : before.ptr != NULL ? before : mcpt__oa_get(o, MCPT__F_META_SCOPE);
        mcpt__oa_union(&t, begin, before);
        mcpt__oa_union(&t, begin, scope.ptr != NULL ? scope : mcpt_z(c->scope));
        if (t.at != begin && (o->flags & MCPT__OA_OFFLINE) != 0 && (c->quirks & MCPT_QUIRK_NO_OFFLINE) == 0 &&
            c->grant <= MCPT_GRANT_DEVICE) {
            mcpt__oa_union(&t, begin, mcpt_z("offline_access"));
        }
        scope = mcpt__since(&t, begin);
        mcpt__oa_set(o, MCPT__F_ASKED, scope.len != 0 ? scope : mcpt__mk(NULL, 0));
    }
    if (c->grant <= MCPT_GRANT_DEVICE) {
        mcpt__oa_find_client(o);
        return;
    }
    mcpt__oa_drop(o, mcpt__oa_client);
    o->auth = MCPT__AUTH_NONE;
    if (!mcpt__oa_preregistered(o) && (o->state == MCPT_OAUTH_FAILED || c->grant != MCPT_GRANT_JWT_BEARER)) {
        mcpt__oa_fail(o, o->err != MCPT_OK ? o->err : MCPT_E_CLIENT);
    } else if (c->grant == MCPT_GRANT_ENTERPRISE) {
        mcpt__oa_ask_token(o, MCPT__STEP_EXCHANGE);
    } else {
        mcpt__oa_ask_token(o, c->grant == MCPT_GRANT_CLIENT ? MCPT__STEP_CLIENT : MCPT__STEP_ASSERT);
    }
}

#endif /* !MCPT_NO_OAUTH */

/* >>oauth-answers: implementation ------------------------------------------------------------------------
 * What the answers mean, and which step follows. */
#if !MCPT_NO_OAUTH
enum {                                                      /* rows of metadata documents */
    MCPT__D_ROOT, MCPT__D_RESOURCE, MCPT__D_SERVERS, MCPT__D_SCOPES, MCPT__D_ISSUER, MCPT__D_AUTHORIZE, MCPT__D_TOKEN,
    MCPT__D_REGISTER, MCPT__D_REVOKE, MCPT__D_DEVICE, MCPT__D_PAR, MCPT__D_RESPONSES, MCPT__D_METHODS, MCPT__D_PKCE,
    MCPT__D_ISS, MCPT__D_CIMD, MCPT__D_DPOP, MCPT__D_PUSH, MCPT__D_COUNT
};
static const mcpt_pick mcpt__oa_metadata[MCPT__D_COUNT] = {
    MCPT_PICK("", 0), MCPT_PICK("resource", 0), MCPT_PICK("authorization_servers", 0), MCPT_PICK("scopes_supported", 0),
    MCPT_PICK("issuer", 0), MCPT_PICK("authorization_endpoint", 0), MCPT_PICK("token_endpoint", 0),
    MCPT_PICK("registration_endpoint", 0), MCPT_PICK("revocation_endpoint", 0), MCPT_PICK("device_authorization_endpoint", 0),
    MCPT_PICK("require_pushed_authorization_requests", 0), MCPT_PICK("response_types_supported", 0),
    MCPT_PICK("token_endpoint_auth_methods_supported", 0), MCPT_PICK("code_challenge_methods_supported", 0),
    MCPT_PICK("authorization_response_iss_parameter_supported", 0), MCPT_PICK("client_id_metadata_document_supported", 0),
    MCPT_PICK("dpop_signing_alg_values_supported", 0), MCPT_PICK("pushed_authorization_request_endpoint", 0) };
enum {                                                      /* rows of every other answer */
    MCPT__T_ROOT, MCPT__T_ACCESS, MCPT__T_TYPE, MCPT__T_EXPIRES, MCPT__T_REFRESH, MCPT__T_SCOPE, MCPT__T_ERROR, MCPT__T_TEXT,
    MCPT__T_DEVICE, MCPT__T_USER, MCPT__T_URI, MCPT__T_URI_COMPLETE, MCPT__T_INTERVAL, MCPT__T_CLIENT, MCPT__T_SECRET,
    MCPT__T_SECRET_EXPIRES, MCPT__T_METHOD, MCPT__T_REG_URI, MCPT__T_REG_TOKEN, MCPT__T_REDIRECTS, MCPT__T_REQUEST_URI, MCPT__T_COUNT
};
static const mcpt_pick mcpt__oa_answer[MCPT__T_COUNT] = {
    MCPT_PICK("", 0), MCPT_PICK("access_token", 0), MCPT_PICK("token_type", 0), MCPT_PICK("expires_in", 0),
    MCPT_PICK("refresh_token", 0), MCPT_PICK("scope", 0), MCPT_PICK("error", 0), MCPT_PICK("error_description", 0),
    MCPT_PICK("device_code", 0), MCPT_PICK("user_code", 0), MCPT_PICK("verification_uri", 0),
    MCPT_PICK("verification_uri_complete", 0), MCPT_PICK("interval", 0), MCPT_PICK("client_id", 0),
    MCPT_PICK("client_secret", 0), MCPT_PICK("client_secret_expires_at", 0), MCPT_PICK("token_endpoint_auth_method", 0),
    MCPT_PICK("registration_client_uri", 0), MCPT_PICK("registration_access_token", 0), MCPT_PICK("redirect_uris", 0),
    MCPT_PICK("request_uri", 0) };

/* A kept string, unescaped where it lies (so once only); absent for anything else and for "". */
static mcpt_str mcpt__oa_kept(const mcpt_oauth *o, unsigned row)
{
    mcpt_str raw = mcpt_kept(&o->keep, row);
    char *p = (char *)(uintptr_t)raw.ptr;

    if (raw.len < 3 || p[0] != '"') {
        return mcpt__mk(NULL, 0);
    }
    raw.len = mcpt_unescape(raw, p, raw.len);
    return raw;
}

static bool mcpt__oa_true(const mcpt_oauth *o, unsigned row)
{
    return mcpt_str_is(mcpt_kept(&o->keep, row), "true");
}

/* Whole seconds of a number, or of a string of digits as some servers send; -1: absent or neither. At most 13 digits. */
static int64_t mcpt__oa_seconds(const mcpt_oauth *o, unsigned row)
{
    mcpt_str raw = mcpt_kept(&o->keep, row);
    int64_t v = 0;
    size_t i = raw.len != 0 && raw.ptr[0] == '"' ? 1 : 0;

    if (raw.len <= i || (!mcpt__digit(raw.ptr[i]) && raw.ptr[i] != '-') || MCPT_MEMCHR(raw.ptr, 'e', raw.len) != NULL ||
        MCPT_MEMCHR(raw.ptr, 'E', raw.len) != NULL) {
        return -1;
    }
    for (; i < raw.len && mcpt__digit(raw.ptr[i]) && v < 315360000000; i++) {
        v = v * 10 + (raw.ptr[i] - '0');
    }
    return v;
}

/* Is this word in a kept array? Undoes its escapes where they lie, so a row is asked once. */
static bool mcpt__oa_lists(const mcpt_oauth *o, unsigned row, const char *z)
{
    mcpt_str list = mcpt__array(mcpt_kept(&o->keep, row)), s;
    bool other, found = false;

    while (!found && mcpt__array_next(&list, &s, &other)) {
        found = mcpt_str_is(s, z);
    }
    return found;
}

/* A kept URL becomes a fact; false: it is there and refused. */
static bool mcpt__oa_take_url(mcpt_oauth *o, unsigned row, unsigned tag)
{
    mcpt_str s = mcpt__oa_kept(o, row);
    mcpt_url u;

    if (s.ptr != NULL && !mcpt__oa_url(o, s, &u)) {
        return false;
    }
    mcpt__oa_set(o, tag, s);
    return true;
}

/* The issuer to use of those listed: the one in use, the one our client_id belongs to, or the first that may be used. */
static mcpt_str mcpt__oa_pick_issuer(const mcpt_oauth *o, mcpt_str list)
{
    mcpt_str now = mcpt__oa_get(o, MCPT__F_ISSUER), best = mcpt__mk(NULL, 0), s;
    bool other;
    int rank = 0;
    mcpt_url u;

    while (mcpt__array_next(&list, &s, &other)) {
        int r = mcpt_str_eq(s, now) ? 3 : mcpt_str_is(s, o->config->client_issuer) ? 2 : 1;
        if (r > rank && mcpt__oa_url(o, s, &u) && u.query.ptr == NULL) {
            rank = r;
            best = s;
        }
    }
    return best;
}

/* The client identity that belongs to facts from the store. */
static void mcpt__oa_client_again(mcpt_oauth *o)
{
    uint8_t auth = o->auth;                                 /* chosen when the server's list was known */
    char key[16];

    if ((o->flags & MCPT__OA_DYNAMIC) != 0) {
        if (mcpt__oa_client_key(o, key)) {
            (void)mcpt__oa_load(o, key, false);
        }
    } else if (o->config->client_secret != NULL && mcpt_str_is(mcpt__oa_get(o, MCPT__F_CLIENT_ID), o->config->client_id)) {
        mcpt__oa_set(o, MCPT__F_SECRET, mcpt_z(o->config->client_secret));
    }
    o->auth = auth;
}

static void mcpt__oa_restart(mcpt_oauth *o)
{
    mcpt__oa_drop(o, mcpt__oa_attempt);
    o->flags &= ~(uint32_t)MCPT__OA_NONCED;
    o->err = MCPT_OK;
    o->round = 0;
    o->reason[0] = '\0';
    mcpt__oa_ask_resource(o);
}

/* -- refreshing */
/* A refresh token is spent, or revoked: a person is needed. */
static void mcpt__oa_lost(mcpt_oauth *o)
{
    mcpt__oa_set(o, MCPT__F_ACCESS, mcpt__mk(NULL, 0));
    mcpt__oa_set(o, MCPT__F_REFRESH, mcpt__mk(NULL, 0));
    (void)mcpt__oa_save_session(o);
    mcpt__oa_restart(o);
}

/* Looks whether another process has stored another access token than the one in use, and takes it. */
static bool mcpt__oa_renewed(mcpt_oauth *o)
{
    uint8_t before[32], after[32];
    char key[16];
    mcpt_str token = mcpt__oa_get(o, MCPT__F_ACCESS);

    o->err = MCPT_OK;
    if ((o->flags & MCPT__OA_UNSAVED) != 0 || !mcpt__oa_sha256(o, &token, 1, before) || !mcpt__oa_session_key(o, 's', key) ||
        mcpt__oa_load(o, key, false) != MCPT_OK) {
        return false;
    }
    token = mcpt__oa_get(o, MCPT__F_ACCESS);
    if (token.ptr == NULL || !mcpt__oa_sha256(o, &token, 1, after) || mcpt_same(before, after, 32)) {
        return false;
    }
    mcpt__oa_client_again(o);
    o->flags &= ~(uint32_t)(MCPT__OA_FRESH | MCPT__OA_CHECK | MCPT__OA_TIMED);
    o->step = MCPT__STEP_NONE;
    o->state = MCPT_OAUTH_READY;
    return true;
}

/* The right to send this refresh token, which may be used once, is a record: "MT", version, kind, how often it was taken,
 * since when, a tag over these and the token. It goes when there is an answer. Who finds one waits: another process is at it. One
 * that is older than any request was left by a process that ended (power): the token may have been used, its answer is lost.
 * Servers with a grace period answer once more, so it is sent once more; a second time E_GRANT. PENDING: wait. */
enum { MCPT__LEASE_TAG = 13, MCPT__LEASE = 29, MCPT__LEASE_SECONDS = 40 };
static mcpt_err mcpt__oa_lease(mcpt_oauth *o)
{
    static const uint8_t none[32] = { 0 };
    const mcpt_store *store = o->config->store;
    const mcpt_crypto *c = o->config->env->crypto;
    const void *secret = o->config->store_key != NULL ? o->config->store_key : none;
    char key[16], old[MCPT__LEASE], mine[MCPT__LEASE] = { 'M', 'T', 1, 'r', 1 }, room[MCPT__LEASE];
    uint8_t tag[32];
    int64_t now = mcpt__wall(o->config->env), since;
    size_t n = 0;
    mcpt_str parts[3];
    mcpt_err e;

    if (store == NULL || !mcpt__oa_session_key(o, 'r', key)) {
        return store == NULL ? MCPT_OK : MCPT_E_CRYPTO;
    }
    parts[0] = mcpt_z(key);
    parts[1] = mcpt__mk(old, MCPT__LEASE_TAG);
    parts[2] = mcpt__oa_get(o, MCPT__F_REFRESH);
    e = store->read(store->user, key, old, sizeof(old), &n);
    if (e == MCPT_OK && n == sizeof(old) && c->hmac_sha256(c->user, secret, 32, parts, 3, tag) &&
        mcpt_same(tag, old + MCPT__LEASE_TAG, MCPT__LEASE - MCPT__LEASE_TAG)) {
        since = (int64_t)mcpt__oa_get64(old + 5);
        if (now >= 0 && since >= 0 && now >= since && now - since < MCPT__LEASE_SECONDS) {
            return MCPT_PENDING;
        }
        if (old[4] != 1) {
            return MCPT_E_GRANT;
        }
        mine[4] = 2;
    } else if (e == MCPT_E_STORE) {
        return e;
    }
    mcpt__oa_put64(mine + 5, (uint64_t)now);
    parts[1].ptr = mine;
    if (!c->hmac_sha256(c->user, secret, 32, parts, 3, tag)) {
        return MCPT_E_CRYPTO;
    }
    MCPT_MEMCPY(mine + MCPT__LEASE_TAG, tag, MCPT__LEASE - MCPT__LEASE_TAG);
    e = e != MCPT_OK && e != MCPT_E_ABSENT ? store->write(store->user, key, mcpt__mk(mine, sizeof(mine))) :
        mcpt_store_swap(store, key, mcpt__mk(e == MCPT_OK ? old : NULL, n), mcpt__mk(mine, sizeof(mine)), room, sizeof(room));
    return e == MCPT_E_CONFLICT ? MCPT_PENDING : e;
}

/* The token has expired, or was refused. */
static void mcpt__oa_refresh(mcpt_oauth *o)
{
    mcpt_err e;

    o->flags &= ~(uint32_t)MCPT__OA_NONCED;                 /* the nonce of the MCP server was another matter */
    if (mcpt__oa_renewed(o)) {
        return;
    }
    e = mcpt__oa_lease(o);
    if (e == MCPT_OK) {
        mcpt__oa_ask_token(o, MCPT__STEP_REFRESH);
    } else if (e == MCPT_PENDING) {
        o->due = mcpt__oa_millis(o) + 1000u;
        o->step = MCPT__STEP_NONE;
        o->state = MCPT_OAUTH_WAIT;
    } else if (e == MCPT_E_GRANT) {
        mcpt__oa_lost(o);
    } else {
        mcpt__oa_fail(o, e);
    }
}

/* This is the authorization server: nothing of another one's goes to it. */
static void mcpt__oa_use(mcpt_oauth *o, mcpt_str resource, mcpt_str issuer)
{
    mcpt_str before = mcpt__oa_get(o, MCPT__F_ISSUER);      /* absent: nothing, or what was adopted */
    const bool same = before.ptr == NULL || mcpt_str_eq(issuer, before);

    mcpt__oa_set(o, MCPT__F_RESOURCE, resource);
    mcpt__oa_set(o, MCPT__F_ISSUER, issuer);
    if (!same) {
        mcpt__oa_drop(o, mcpt__oa_tokens);
        mcpt__oa_drop(o, mcpt__oa_client);
        o->flags &= ~(uint32_t)MCPT__OA_STEP;
    }
}

/* Its metadata is next, or, where it was only to be seen that it still is the one, a new token. */
static void mcpt__oa_known(mcpt_oauth *o)
{
    const bool renew = (o->flags & MCPT__OA_CHECK) != 0 && mcpt__oa_get(o, MCPT__F_REFRESH).ptr != NULL;
    const bool adopted = renew && mcpt__oa_get(o, MCPT__F_TOKEN_EP).ptr == NULL;

    o->flags &= adopted ? ~0u : ~(uint32_t)MCPT__OA_CHECK;
    o->round = 0;
    if (renew && !adopted) {
        mcpt__oa_refresh(o);
    } else {
        mcpt__oa_ask_server(o);
    }
}

static void mcpt__oa_got_resource(mcpt_oauth *o)
{
    mcpt_str resource = mcpt__oa_kept(o, MCPT__D_RESOURCE), issuer, list, s;
    mcpt__text t;
    char *begin;
    bool other;

    list = mcpt__array(mcpt_kept(&o->keep, MCPT__D_SERVERS));
    if (resource.ptr == NULL || !mcpt__oa_covers(o, resource)) {
        mcpt__oa_end(o, MCPT_E_RESOURCE, "the metadata is about another resource");
        return;
    }
    issuer = mcpt__oa_pick_issuer(o, list);
    if (issuer.ptr == NULL) {
        mcpt__oa_fail(o, MCPT_E_ISSUER);
        return;
    }
    o->flags |= MCPT__OA_SAW_META;
    o->flags &= ~(uint32_t)MCPT__OA_LEGACY;
    mcpt__oa_use(o, resource, issuer);
    t = mcpt__oa_below(o);
    begin = t.at;
    list = mcpt__array(mcpt_kept(&o->keep, MCPT__D_SCOPES));
    while (mcpt__array_next(&list, &s, &other)) {
        mcpt__oa_union(&t, begin, s);
    }
    s = mcpt__since(&t, begin);
    mcpt__oa_set(o, MCPT__F_META_SCOPE, s.len != 0 ? s : mcpt__mk(NULL, 0));
    if (o->err != MCPT_OK || t.full) {
        mcpt__oa_fail(o, MCPT_E_SPACE);
    } else {
        mcpt__oa_known(o);
    }
}

/* The issuer as the document has it, against the one it was asked of (RFC 8414 section 3.3). */
static bool mcpt__oa_issuer_ok(const mcpt_oauth *o, mcpt_str issuer)
{
    mcpt_str asked = mcpt__oa_get(o, MCPT__F_ISSUER);

    if ((o->config->quirks & MCPT_QUIRK_ISSUER_SLASH) != 0 && issuer.len != 0 && asked.len != 0) {
        issuer.len -= issuer.ptr[issuer.len - 1] == '/' ? 1u : 0u;
        asked.len -= asked.ptr[asked.len - 1] == '/' ? 1u : 0u;
    }
    return mcpt_str_eq(issuer, asked);
}

/* Can this server do a code grant as MCP asks for it? Says why not. */
static bool mcpt__oa_code_ok(mcpt_oauth *o)
{
    const char *why = NULL;

    if (o->config->grant > MCPT_GRANT_DEVICE) {
        return true;
    }
    if (mcpt__oa_true(o, MCPT__D_PAR) && mcpt_kept(&o->keep, MCPT__D_PUSH).ptr == NULL) {
        why = "the server requires pushed authorization requests, and says not where";
    } else if (mcpt_kept(&o->keep, MCPT__D_RESPONSES).ptr != NULL && !mcpt__oa_lists(o, MCPT__D_RESPONSES, "code")) {
        why = "the server has no code grant";
    } else if (!mcpt__oa_lists(o, MCPT__D_PKCE, "S256") &&
               (mcpt_kept(&o->keep, MCPT__D_PKCE).ptr != NULL || (o->config->quirks & MCPT_QUIRK_ASSUME_S256) == 0)) {
        why = "the server has no PKCE with S256";
    }
    mcpt__oa_say(o, mcpt_z(why), mcpt__mk(NULL, 0));
    return why == NULL || (o->config->grant == MCPT_GRANT_DEVICE && mcpt_kept(&o->keep, MCPT__D_DEVICE).ptr != NULL);
}

static void mcpt__oa_got_server(mcpt_oauth *o)
{
    mcpt_str issuer = mcpt__oa_kept(o, MCPT__D_ISSUER);
    bool other;

    if (!mcpt__oa_issuer_ok(o, issuer)) {
        mcpt__oa_end(o, MCPT_E_ISSUER, "the metadata is of another issuer");
        return;
    }
    if (!mcpt__oa_code_ok(o)) {
        mcpt__oa_fail(o, MCPT_E_GRANT);
        return;
    }
    mcpt__oa_set(o, MCPT__F_ISSUER, issuer);
    o->flags &= ~(uint32_t)(MCPT__OA_ISS | MCPT__OA_OFFLINE | MCPT__OA_CIMD | MCPT__OA_DPOP | MCPT__OA_METHODS);
    o->flags |= mcpt__oa_lists(o, MCPT__D_DPOP, "ES256") ? (uint32_t)MCPT__OA_DPOP : 0u;
    o->flags |= mcpt__oa_true(o, MCPT__D_ISS) ? (uint32_t)MCPT__OA_ISS : 0u;
    o->flags |= mcpt__oa_true(o, MCPT__D_CIMD) ? (uint32_t)MCPT__OA_CIMD : 0u;
    o->flags |= mcpt__oa_lists(o, MCPT__D_SCOPES, "offline_access") ? (uint32_t)MCPT__OA_OFFLINE : 0u;
    for (mcpt_str list = mcpt__array(mcpt_kept(&o->keep, MCPT__D_METHODS)), s; mcpt__array_next(&list, &s, &other);) {
        o->flags |= mcpt__oa_method(s);
    }
    if (!mcpt__oa_take_url(o, MCPT__D_AUTHORIZE, MCPT__F_AUTHORIZE_EP) || !mcpt__oa_take_url(o, MCPT__D_TOKEN, MCPT__F_TOKEN_EP) ||
        !mcpt__oa_take_url(o, MCPT__D_REGISTER, MCPT__F_REGISTER_EP) || !mcpt__oa_take_url(o, MCPT__D_REVOKE, MCPT__F_REVOKE_EP) ||
        !mcpt__oa_take_url(o, MCPT__D_DEVICE, MCPT__F_DEVICE_EP) || mcpt__oa_get(o, MCPT__F_TOKEN_EP).ptr == NULL ||
        !mcpt__oa_take_url(o, mcpt__oa_true(o, MCPT__D_PAR) ? MCPT__D_PUSH : MCPT__D_ROOT, MCPT__F_PUSH_EP)) {     /* not required: none, one request less */
        mcpt__oa_end(o, MCPT_E_ISSUER, "an endpoint of the server is missing or no https URL");
        return;
    }
    if (o->err != MCPT_OK) {
        mcpt__oa_fail(o, MCPT_E_SPACE);
    } else {
        mcpt__oa_have_server(o);
    }
}

/* No metadata by the rules of 2025-03-26 either: its default endpoints. */
static void mcpt__oa_default_server(mcpt_oauth *o)
{
    static const struct { uint8_t tag; const char *path; } defaults[] = {
        { MCPT__F_AUTHORIZE_EP, "/authorize" }, { MCPT__F_TOKEN_EP, "/token" }, { MCPT__F_REGISTER_EP, "/register" } };
    static const uint8_t others[] = { MCPT__F_REVOKE_EP, MCPT__F_DEVICE_EP, MCPT__F_PUSH_EP, 0 };
    size_t i;

    o->flags &= ~(uint32_t)(MCPT__OA_ISS | MCPT__OA_OFFLINE | MCPT__OA_CIMD | MCPT__OA_DPOP | MCPT__OA_METHODS);
    mcpt__oa_drop(o, others);
    for (i = 0; i < MCPT_COUNT(defaults); i++) {
        mcpt__text t = mcpt__oa_room(o);
        char *begin = t.at;
        mcpt__add(&t, mcpt__oa_get(o, MCPT__F_ISSUER));
        mcpt__addz(&t, defaults[i].path);
        mcpt__oa_set(o, defaults[i].tag, mcpt__since(&t, begin));
    }
    if (o->err != MCPT_OK) {
        mcpt__oa_fail(o, MCPT_E_SPACE);
    } else {
        mcpt__oa_have_server(o);
    }
}

/* There is no document where it was looked for. */
static void mcpt__oa_no_resource(mcpt_oauth *o)
{
    mcpt_url u;

    if (mcpt__oa_get(o, MCPT__F_CHALLENGE_URL).ptr == NULL && o->round == 0) {
        o->round = 1;
        mcpt__oa_ask_resource(o);
        return;
    }
    if (mcpt__oa_get(o, MCPT__F_CHALLENGE_URL).ptr != NULL || (o->flags & MCPT__OA_SAW_META) != 0 ||
        (o->config->quirks & MCPT_QUIRK_NO_FALLBACK) != 0) {
        mcpt__oa_end(o, MCPT_E_STATUS, "no protected resource metadata");
        return;
    }
    (void)mcpt_url_split(o->endpoint, &u);
    mcpt__oa_use(o, o->endpoint, mcpt__oa_origin(o->endpoint, &u));
    o->flags |= MCPT__OA_LEGACY;
    mcpt__oa_known(o);
}

static void mcpt__oa_no_server(mcpt_oauth *o)
{
    mcpt_url u;

    (void)mcpt_url_split(mcpt__oa_get(o, MCPT__F_ISSUER), &u);
    o->round++;
    if (o->round <= (mcpt__oa_path(&u).len != 0 ? 2 : 1)) {
        mcpt__oa_ask_server(o);
    } else if ((o->flags & MCPT__OA_LEGACY) != 0) {
        mcpt__oa_default_server(o);
    } else {
        mcpt__oa_end(o, MCPT_E_STATUS, "no authorization server metadata");
    }
}

/* The server does not know this client any more: once, it is registered again. False: it cannot be. */
static bool mcpt__oa_client_lost(mcpt_oauth *o)
{
    char key[16];

    if ((o->flags & MCPT__OA_DYNAMIC) == 0 || o->registered != 0 || !mcpt__oa_client_key(o, key)) {
        return false;
    }
    o->registered = 1;
    mcpt__oa_erase(o, key);
    mcpt__oa_drop(o, mcpt__oa_client);
    mcpt__oa_drop(o, mcpt__oa_tokens);
    mcpt__oa_restart(o);
    return true;
}

static void mcpt__oa_got_client(mcpt_oauth *o)
{
    mcpt_str id = mcpt__oa_kept(o, MCPT__T_CLIENT), secret = mcpt__oa_kept(o, MCPT__T_SECRET);
    mcpt_str method = mcpt__oa_kept(o, MCPT__T_METHOD), list = mcpt__array(mcpt_kept(&o->keep, MCPT__T_REDIRECTS)), s;
    mcpt_str reg_token = mcpt__oa_kept(o, MCPT__T_REG_TOKEN);
    int64_t expires = mcpt__oa_seconds(o, MCPT__T_SECRET_EXPIRES);
    bool ours = mcpt_kept(&o->keep, MCPT__T_REDIRECTS).ptr == NULL || o->config->redirect_uri == NULL, other;
    mcpt_err e;
    char key[16];

    while (!ours && mcpt__array_next(&list, &s, &other)) {
        ours = mcpt_str_is(s, o->config->redirect_uri);
    }
    if (!mcpt__oa_vschar(id, '!') || (secret.ptr != NULL && !mcpt__oa_vschar(secret, ' ')) || !ours) {
        mcpt__oa_end(o, MCPT_E_CLIENT, "the registration is not usable");
        return;
    }
    if (method.ptr != NULL) {                               /* what the server chose, RFC 7591 section 3.2.1 */
        uint32_t chosen = mcpt__oa_method(method) & ~(uint32_t)MCPT__OA_KEY;   /* no key was registered */
        if (chosen == 0 || ((o->flags & MCPT__OA_METHODS) != 0 && (o->flags & chosen) == 0)) {
            mcpt__oa_end(o, MCPT_E_CLIENT, "registered with another way to authenticate");
            return;
        }
    }
    mcpt__oa_set(o, MCPT__F_CLIENT_ID, id);
    mcpt__oa_set(o, MCPT__F_SECRET, secret);
    mcpt__oa_set(o, MCPT__F_METHOD, method);
    mcpt__oa_set(o, MCPT__F_REG_TOKEN, reg_token);
    if (!mcpt__oa_take_url(o, MCPT__T_REG_URI, MCPT__F_REG_URI) || reg_token.ptr == NULL) {
        mcpt__oa_set(o, MCPT__F_REG_TOKEN, mcpt__mk(NULL, 0));             /* then there is no RFC 7592 */
    }
    mcpt__oa_choose_auth(o);
    e = o->err != MCPT_OK ? MCPT_E_SPACE : !mcpt__oa_client_key(o, key) ? MCPT_E_CRYPTO :
        mcpt__oa_save(o, key, mcpt__rec_client, secret.ptr != NULL && expires > 0 ? expires : 0);
    if (e != MCPT_OK) {
        mcpt__oa_fail(o, e);
    } else {
        mcpt__oa_have_client(o);
    }
}

/* Waits for the person at another device, at most as long as the code lives; doubles the pause when the server could not be
 * reached (RFC 8628 section 3.5). */
static void mcpt__oa_wait(mcpt_oauth *o, bool trouble)
{
    int64_t now = mcpt__wall(o->config->env), pause;

    o->interval = trouble && o->interval < 60 ? o->interval * 2 : o->interval;
    pause = o->retry_after > o->interval && o->retry_after < 3600 ? o->retry_after : o->interval;
    pause = o->expires != 0 && now >= 0 && o->expires - now < pause ? (o->expires > now ? o->expires - now : 0) : pause;
    o->due = mcpt__oa_millis(o) + (uint32_t)pause * 1000u;
    o->step = MCPT__STEP_NONE;
    o->state = MCPT_OAUTH_USER;
}

static void mcpt__oa_got_device(mcpt_oauth *o)
{
    mcpt_str device = mcpt__oa_kept(o, MCPT__T_DEVICE), user = mcpt__oa_kept(o, MCPT__T_USER);
    mcpt_str complete = mcpt__oa_kept(o, MCPT__T_URI_COMPLETE), uri = mcpt__oa_kept(o, MCPT__T_URI);
    int64_t interval = mcpt__oa_seconds(o, MCPT__T_INTERVAL), lives = mcpt__oa_seconds(o, MCPT__T_EXPIRES), now = mcpt__wall(o->config->env);
    mcpt_url u;
    mcpt_err e;
    char key[16];

    if (!mcpt__oa_vschar(device, '!') || !mcpt__oa_vschar(user, ' ') || !mcpt__oa_url(o, uri, &u)) {
        mcpt__oa_fail(o, MCPT_E_OAUTH);
        return;
    }
    mcpt__oa_set(o, MCPT__F_DEVICE_CODE, device);
    mcpt__oa_set(o, MCPT__F_USER_CODE, user);
    mcpt__oa_set(o, MCPT__F_VERIFY_URI, complete.ptr != NULL && mcpt__oa_url(o, complete, &u) ? complete : uri);
    o->interval = interval <= 0 ? 5 : interval > 3600 ? 3600 : (uint32_t)interval;
    o->expires = now >= 0 && lives > 0 ? now + lives : 0;
    e = o->err != MCPT_OK ? MCPT_E_SPACE : !mcpt__oa_session_key(o, 'd', key) ? MCPT_E_CRYPTO :
        mcpt__oa_save(o, key, mcpt__rec_pending, o->expires);
    if (e != MCPT_OK) {
        mcpt__oa_fail(o, e);
    } else {
        mcpt__oa_wait(o, false);
    }
}

/* An attempt is over, here and in the store. */
static void mcpt__oa_give_up(mcpt_oauth *o, mcpt_err e)
{
    mcpt_str state = mcpt__oa_get(o, MCPT__F_STATE);
    char key[16];

    if (mcpt__oa_get(o, MCPT__F_DEVICE_CODE).ptr != NULL ? mcpt__oa_session_key(o, 'd', key) : state.ptr != NULL && mcpt__oa_pending_key(o, state, key)) {
        mcpt__oa_erase(o, key);
    }
    mcpt__oa_drop(o, mcpt__oa_attempt);
    mcpt__oa_fail(o, e);
}

/* The server holds the request: the person takes its name there (RFC 9126 section 4). */
static void mcpt__oa_got_pushed(mcpt_oauth *o)
{
    mcpt_str uri = mcpt__oa_kept(o, MCPT__T_REQUEST_URI);
    mcpt__text t = mcpt__oa_below(o);
    char *begin = t.at;

    if (!mcpt__oa_vschar(uri, '!')) {
        mcpt__oa_give_up(o, MCPT_E_OAUTH);
        return;
    }
    mcpt__oa_to_endpoint(o, &t, begin);
    mcpt__oa_param(&t, begin, "request_uri", uri);
    mcpt__oa_to_person(o, &t, begin);
}

/* A token: into the store before it is used. */
static void mcpt__oa_got_token(mcpt_oauth *o)
{
    mcpt_str access = mcpt__oa_kept(o, MCPT__T_ACCESS), refresh = mcpt__oa_kept(o, MCPT__T_REFRESH);
    mcpt_str type = mcpt__oa_kept(o, MCPT__T_TYPE), scope = mcpt__oa_kept(o, MCPT__T_SCOPE);
    int64_t lives = mcpt__oa_seconds(o, MCPT__T_EXPIRES), now = mcpt__wall(o->config->env);
    const unsigned step = o->step;
    char key[16];
    mcpt_err e;

    if (!mcpt__oa_vschar(access, '!') || (refresh.ptr != NULL && !mcpt__oa_vschar(refresh, '!')) ||
        (!mcpt_str_ieq(type, o->request.dpop.ptr != NULL ? "DPoP" : "Bearer") && step != MCPT__STEP_EXCHANGE)) {
        mcpt__oa_end(o, MCPT_E_OAUTH, "the token is not usable");
        return;
    }
    if (step == MCPT__STEP_EXCHANGE) {
        mcpt__oa_set(o, MCPT__F_ASSERTION, access);
        if (o->err != MCPT_OK) {
            mcpt__oa_fail(o, MCPT_E_SPACE);
        } else {
            mcpt__oa_ask_token(o, MCPT__STEP_ASSERT);
        }
        return;
    }
    mcpt__oa_drop(o, mcpt__oa_attempt);
    mcpt__oa_set(o, MCPT__F_ACCESS, access);
    if (refresh.ptr != NULL || step != MCPT__STEP_REFRESH) {
        mcpt__oa_set(o, MCPT__F_REFRESH, refresh);
    }
    if (scope.ptr != NULL || step != MCPT__STEP_REFRESH) {  /* RFC 6749 sections 5.1 and 6: not said, so as it was */
        mcpt__oa_set(o, MCPT__F_GRANTED, scope.ptr != NULL ? scope : mcpt__oa_get(o, MCPT__F_ASKED));
    }
    if (o->err != MCPT_OK) {
        mcpt__oa_fail(o, MCPT_E_SPACE);
        return;
    }
    o->margin = lives > 600 ? 60 : lives > 0 ? (uint32_t)lives / 10 : 0;   /* none left: used until it is refused, no loop */
    o->expires = lives > 0 && now >= 0 ? now + lives : 0;
    o->interval = lives > 0 && lives < 2000000 ? (uint32_t)lives : 0;     /* for a clock that is not set */
    o->due = mcpt__oa_millis(o) + (o->interval - (o->interval != 0 ? o->margin : 0)) * 1000u;
    o->flags = (o->flags & ~(uint32_t)(MCPT__OA_STEP | MCPT__OA_CHECK | MCPT__OA_BOUND | MCPT__OA_NONCED)) | MCPT__OA_FRESH | MCPT__OA_TIMED;
    o->flags |= o->request.dpop.ptr != NULL ? (uint32_t)MCPT__OA_BOUND : 0u;
    o->step = MCPT__STEP_NONE;
    o->state = MCPT_OAUTH_READY;
    e = mcpt__oa_save_session(o);
    o->flags = e != MCPT_OK ? o->flags | MCPT__OA_UNSAVED : o->flags & ~(uint32_t)MCPT__OA_UNSAVED;
    if (step == MCPT__STEP_POLL && mcpt__oa_session_key(o, 'd', key)) {
        mcpt__oa_erase(o, key);
    }
    o->err = e;                                             /* the token serves, but a reboot would lose it */
}

/* The token endpoint, or one like it, has refused. */
static void mcpt__oa_refusal(mcpt_oauth *o)
{
    mcpt_str error = mcpt__oa_kept(o, MCPT__T_ERROR), text = mcpt__oa_kept(o, MCPT__T_TEXT);
    const unsigned step = o->step;
    const bool passing = o->status >= 500 || o->status == 429 || o->status == 408;
    const bool unknown = mcpt_str_is(error, "invalid_client") || mcpt_str_is(error, "unauthorized_client");

    mcpt__oa_say(o, error, text);
    if (mcpt_str_is(error, "use_dpop_nonce") && o->request.dpop.ptr != NULL && (o->flags & MCPT__OA_NONCED) == 0 &&
        mcpt__oa_get(o, MCPT__F_AS_NONCE).ptr != NULL) {
        o->flags |= MCPT__OA_NONCED;                        /* once, with the nonce it gave (RFC 9449 section 8) */
        mcpt__oa_ask_token(o, step);
        return;
    }
    if (step == MCPT__STEP_POLL && (passing || mcpt_str_is(error, "authorization_pending") || mcpt_str_is(error, "slow_down"))) {
        o->interval += mcpt_str_is(error, "slow_down") ? 5u : 0u;
        mcpt__oa_wait(o, passing);
    } else if (passing) {
        mcpt__oa_fail(o, MCPT_E_STATUS);                    /* nothing was forgotten: it may be tried again */
    } else if (step == MCPT__STEP_REFRESH && !unknown) {
        mcpt__oa_lost(o);
    } else if (step == MCPT__STEP_REGISTER && o->round == 0 &&
               (mcpt_str_is(error, "invalid_redirect_uri") || mcpt_str_is(error, "invalid_client_metadata"))) {
        o->round = 1;                                       /* the other application_type */
        mcpt__oa_ask_register(o);
    } else if ((unknown || error.ptr == NULL || (step == MCPT__STEP_PUSH && mcpt_str_is(error, "invalid_scope"))) &&
               step >= MCPT__STEP_DEVICE && step <= MCPT__STEP_POLL && mcpt__oa_client_lost(o)) {
        return;
    } else {
        mcpt__oa_give_up(o, mcpt_str_is(error, "access_denied") ? MCPT_E_DECLINED :
                         mcpt_str_is(error, "expired_token") ? MCPT_E_TIMEOUT :
                         step == MCPT__STEP_REGISTER ? MCPT_E_CLIENT : MCPT_E_OAUTH);
    }
}

#endif /* !MCPT_NO_OAUTH */

/* >>oauth: implementation -------------------------------------------------------------------------------- */
#if !MCPT_NO_OAUTH
/* -- logging out */
static void mcpt__oa_forget(mcpt_oauth *o)
{
    char key[16];

    if ((o->flags & MCPT__OA_DYNAMIC) != 0 && mcpt__oa_client_key(o, key)) {
        mcpt__oa_erase(o, key);
    }
    for (const char *kind = "drs"; *kind != '\0' && mcpt__oa_session_key(o, *kind, key); kind++) {
        mcpt__oa_erase(o, key);
    }
    mcpt_wipe(o->mem, o->size);
    o->used = 0;
    o->top = o->size;
    o->flags = 0;
    o->err = MCPT_OK;
    o->step = MCPT__STEP_NONE;
    o->state = MCPT_OAUTH_IDLE;
}

/* The next request of a log-out: the refresh token first (RFC 7009 section 2.1: access tokens of its grant go with it), the
 * access token, the registration. */
static void mcpt__oa_leave(mcpt_oauth *o)
{
    static const struct { uint8_t tag; const char *hint; } tokens[] = {
        { MCPT__F_REFRESH, "refresh_token" }, { MCPT__F_ACCESS, "access_token" } };
    mcpt__text t;
    char *begin;

    for (; o->round < 2; o->round++) {
        mcpt_str token = mcpt__oa_get(o, tokens[o->round].tag);
        if (token.ptr != NULL && mcpt__oa_get(o, MCPT__F_REVOKE_EP).ptr != NULL) {
            t = mcpt__oa_room(o);
            begin = t.at;
            mcpt__oa_param(&t, begin, "token", token);
            mcpt__oa_param(&t, begin, "token_type_hint", mcpt_z(tokens[o->round].hint));
            o->round++;
            mcpt__oa_post(o, MCPT__STEP_REVOKE, &t, begin, mcpt__oa_get(o, MCPT__F_REVOKE_EP));
            if (o->state == MCPT_OAUTH_REQUEST) {
                return;
            }
        }
    }
    if (o->round == 2 && mcpt__oa_get(o, MCPT__F_REG_TOKEN).ptr != NULL) {
        mcpt_str bearer;
        o->round++;
        t = mcpt__oa_room(o);
        begin = t.at;
        mcpt__addz(&t, "Bearer ");
        mcpt__add(&t, mcpt__oa_get(o, MCPT__F_REG_TOKEN));
        bearer = mcpt__since(&t, begin);
        mcpt__oa_send(o, MCPT__STEP_UNREGISTER, &t, "DELETE", mcpt__oa_get(o, MCPT__F_REG_URI), bearer, NULL, mcpt__mk(NULL, 0));
        if (o->state == MCPT_OAUTH_REQUEST) {
            return;
        }
    }
    mcpt__oa_forget(o);
}

MCPT_API void mcpt_oauth_logout(mcpt_oauth *o)
{
    char key[16];

    o->err = MCPT_OK;
    if ((o->flags & MCPT__OA_DYNAMIC) != 0 && mcpt__oa_get(o, MCPT__F_SECRET).ptr == NULL && mcpt__oa_client_key(o, key)) {
        (void)mcpt__oa_load(o, key, false);
    }
    o->round = 0;
    mcpt__oa_leave(o);
}

/* -- the face */
MCPT_API const mcpt_oauth_http *mcpt_oauth_request(const mcpt_oauth *o)
{
    return o->state == MCPT_OAUTH_REQUEST ? &o->request : NULL;
}

/* A nonce that the other side has given: kept when a field can carry it back. */
static void mcpt__oa_nonce(mcpt_oauth *o, unsigned tag, mcpt_str nonce)
{
    if (nonce.len <= 256 && mcpt__oa_vschar(nonce, '!')) {
        mcpt__oa_set(o, tag, nonce);
    }
}

MCPT_API void mcpt_oauth_head(mcpt_oauth *o, unsigned status, uint32_t retry_after, mcpt_str nonce)
{
    const bool metadata = o->step == MCPT__STEP_RESOURCE || o->step == MCPT__STEP_SERVER;
    mcpt__text t;

    if (o->state != MCPT_OAUTH_REQUEST) {
        return;
    }
    (void)mcpt__oa_room(o);                                 /* the request is through */
    mcpt__oa_nonce(o, MCPT__F_AS_NONCE, nonce);
    t = mcpt__oa_below(o);
    o->status = (uint16_t)status;
    o->retry_after = retry_after;
    o->due = mcpt__oa_millis(o) + (retry_after < 86400u ? retry_after : 86400u) * 1000u;
    mcpt_keep_init(&o->keep, metadata ? mcpt__oa_metadata : mcpt__oa_answer, metadata ? (size_t)MCPT__D_COUNT : (size_t)MCPT__T_COUNT, o->found,
                   t.at, (size_t)(t.end - t.at));
    o->keep.optional = !metadata ? 1u << MCPT__T_TEXT | 1u << MCPT__T_REG_URI | 1u << MCPT__T_REG_TOKEN : 0;
    if (o->step == MCPT__STEP_SERVER) {
        o->keep.optional = 1u << MCPT__D_SCOPES | 1u << MCPT__D_RESOURCE | 1u << MCPT__D_SERVERS;
    }
}

MCPT_API mcpt_err mcpt_oauth_body(mcpt_oauth *o, const char *text, size_t len)
{
    static const char bom[] = "\xef\xbb\xbf";
    mcpt_err e;

    if (o->state != MCPT_OAUTH_REQUEST || o->status == 0) {
        return MCPT_E_STATE;
    }
    if (o->keep.scan.at == 0 && len >= 3 && MCPT_MEMCMP(text, bom, 3) == 0) {
        text += 3;                                          /* RFC 8259 section 8.1 lets a reader be kind */
        len -= 3;
    }
    if (len > MCPT_OAUTH_DOCUMENT - o->keep.scan.at) {
        o->keep.scan.err = MCPT_E_LIMIT;
    }
    e = mcpt_keep_feed(&o->keep, text, len);
    return e < 0 ? e : MCPT_OK;
}

/* What the step's answer means. */
static void mcpt__oa_answered(mcpt_oauth *o)
{
    const unsigned status = o->status;
    const bool good = status >= 200 && status < 300;
    mcpt_err e = mcpt_keep_end(&o->keep);

    if (e != MCPT_OK && !good) {                            /* an error page: only its status counts */
        mcpt_keep_init(&o->keep, o->keep.scan.picks, o->keep.scan.npicks, o->found, o->keep.buf, 0);
    } else if (e != MCPT_OK) {
        mcpt__oa_end(o, e == MCPT_E_SPACE || e == MCPT_E_LIMIT ? e : MCPT_E_OAUTH, mcpt_strerror(e));
        return;
    }
    o->top = o->size - o->keep.len;                         /* out of the way of the facts it becomes */
    MCPT_MEMMOVE(o->mem + o->top, o->keep.buf, o->keep.len);
    o->keep.buf = o->mem + o->top;
    switch (o->step) {
    case MCPT__STEP_RESOURCE:
    case MCPT__STEP_SERVER:
        if (!good && (status < 400 || status >= 500 || status == 429 || status == 408)) {
            mcpt__oa_fail(o, MCPT_E_STATUS);
        } else if (o->step == MCPT__STEP_RESOURCE) {
            (good ? mcpt__oa_got_resource : mcpt__oa_no_resource)(o);
        } else {
            (good ? mcpt__oa_got_server : mcpt__oa_no_server)(o);
        }
        break;
    default:
        if (!good || mcpt_kept(&o->keep, MCPT__T_ERROR).ptr != NULL) {     /* some send errors with 200 */
            mcpt__oa_refusal(o);
        } else if (o->step == MCPT__STEP_REGISTER) {
            mcpt__oa_got_client(o);
        } else if (o->step == MCPT__STEP_DEVICE) {
            mcpt__oa_got_device(o);
        } else if (o->step == MCPT__STEP_PUSH) {
            mcpt__oa_got_pushed(o);
        } else {
            mcpt__oa_got_token(o);
        }
    }
}

MCPT_API void mcpt_oauth_done(mcpt_oauth *o, mcpt_err failed)
{
    const bool refresh = o->step == MCPT__STEP_REFRESH;
    char key[16];

    if (o->state != MCPT_OAUTH_REQUEST) {
        return;
    }
    if (o->step == MCPT__STEP_REVOKE || o->step == MCPT__STEP_UNREGISTER) {
        mcpt__oa_leave(o);                                  /* whatever came of it */
    } else if (failed == MCPT_OK && o->status != 0) {
        mcpt__oa_answered(o);
    } else if (o->step == MCPT__STEP_POLL) {
        mcpt__oa_wait(o, true);
    } else {
        mcpt__oa_fail(o, failed == MCPT_OK ? MCPT_E_IO : failed);
    }
    if (refresh && (o->state != MCPT_OAUTH_REQUEST || o->step != MCPT__STEP_REFRESH) && mcpt__oa_session_key(o, 'r', key)) {
        mcpt__oa_erase(o, key);                             /* its outcome is known, and stored */
    }
    if (o->state != MCPT_OAUTH_REQUEST && o->state != MCPT_OAUTH_USER) {
        (void)mcpt__oa_room(o);
    }
}

MCPT_API mcpt_err mcpt_oauth_init(mcpt_oauth *o, const mcpt_oauth_config *config, void *mem, size_t size)
{
    const mcpt_env *env = config->env;
    mcpt_url u;
    char key[16];
    mcpt_err e;

    MCPT_MEMSET(o, 0, sizeof(*o));
    o->config = config;
    o->mem = (char *)mem;
    o->size = o->top = (uint32_t)size;
    if (env == NULL || env->random == NULL || env->millis == NULL) {
        return MCPT_E_RANDOM;
    }
    if (env->crypto == NULL || env->crypto->sha256 == NULL || (config->store != NULL && env->crypto->hmac_sha256 == NULL)) {
        return MCPT_E_CRYPTO;
    }
    if (size < 1024 || size > 0x7fffffff || !mcpt__oa_url(o, mcpt_z(config->endpoint), &u) ||
        (config->grant == MCPT_GRANT_CODE && config->redirect_uri == NULL) ||
        (config->grant >= MCPT_GRANT_JWT_BEARER && config->assertion == NULL) ||
        (config->grant == MCPT_GRANT_ENTERPRISE && (config->idp_token_endpoint == NULL || config->idp_client_id == NULL))) {
        return MCPT_E_ARG;
    }
    MCPT_MEMSET(mem, 0, size);
    if (!mcpt__oa_endpoint(o)) {
        return MCPT_E_SPACE;
    }
    if (!mcpt__oa_session_key(o, 's', key)) {
        return MCPT_E_CRYPTO;
    }
    e = mcpt__oa_load(o, key, false);
    if (e == MCPT_OK) {
        mcpt__oa_client_again(o);
        o->state = mcpt__oa_get(o, MCPT__F_ACCESS).ptr != NULL ? MCPT_OAUTH_READY : MCPT_OAUTH_IDLE;
    } else if (e != MCPT_E_ABSENT && e != MCPT_E_TIMEOUT) {
        return e;
    }
    key[0] = 'd';
    if (config->grant == MCPT_GRANT_DEVICE && o->state == MCPT_OAUTH_IDLE && mcpt__oa_load(o, key, false) == MCPT_OK) {
        mcpt__oa_client_again(o);
        o->retry_after = 0;
        mcpt__oa_wait(o, false);
    }
    return MCPT_OK;
}

/* Begins anew; with a refresh token that nothing speaks against, a person may not be needed. */
static void mcpt__oa_again(mcpt_oauth *o)
{
    o->flags &= ~(uint32_t)(MCPT__OA_STEP | MCPT__OA_CHECK);
    o->flags |= (o->flags & MCPT__OA_FRESH) == 0 && mcpt__oa_get(o, MCPT__F_REFRESH).ptr != NULL ? (uint32_t)MCPT__OA_CHECK : 0u;
    mcpt__oa_restart(o);
}

MCPT_API void mcpt_oauth_start(mcpt_oauth *o)
{
    if (o->state == MCPT_OAUTH_IDLE || o->state == MCPT_OAUTH_FAILED) {
        o->refused = o->stepped = o->registered = 0;
        mcpt__oa_again(o);
    }
}

/* Is the token about to expire? By the clock, or, when it is not set, by the time since the token came. */
static bool mcpt__oa_stale(const mcpt_oauth *o)
{
    int64_t now = mcpt__wall(o->config->env);

    if (o->expires != 0 && now >= 0) {
        return now + (int64_t)o->margin >= o->expires;
    }
    return o->interval != 0 && (o->flags & MCPT__OA_TIMED) != 0 && (int32_t)(mcpt__oa_millis(o) - o->due) >= 0;
}

MCPT_API mcpt_oauth_step mcpt_oauth_next(mcpt_oauth *o)
{
    const bool device = mcpt__oa_get(o, MCPT__F_DEVICE_CODE).ptr != NULL;

    if (o->state == MCPT_OAUTH_USER && (int32_t)(mcpt__oa_millis(o) - o->due) >= 0) {
        if (device && (o->expires == 0 || mcpt__wall(o->config->env) < o->expires)) {
            mcpt__oa_ask_token(o, MCPT__STEP_POLL);
        } else {
            mcpt__oa_give_up(o, MCPT_E_TIMEOUT);
        }
    } else if (o->state == MCPT_OAUTH_READY && mcpt__oa_stale(o)) {
        if (mcpt__oa_get(o, MCPT__F_REFRESH).ptr != NULL) {
            mcpt__oa_refresh(o);
        } else if (o->config->grant >= MCPT_GRANT_CLIENT) {
            mcpt__oa_restart(o);
        } else {
            o->state = MCPT_OAUTH_IDLE;
        }
    } else if (o->state == MCPT_OAUTH_WAIT && (int32_t)(mcpt__oa_millis(o) - o->due) >= 0) {
        mcpt__oa_refresh(o);
    }
    return (mcpt_oauth_step)o->state;
}

MCPT_API uint32_t mcpt_oauth_due(const mcpt_oauth *o)
{
    int64_t now = mcpt__wall(o->config->env);
    uint32_t left = o->due - mcpt__oa_millis(o);

    if (o->state == MCPT_OAUTH_USER || o->state == MCPT_OAUTH_WAIT ||
        (o->state == MCPT_OAUTH_FAILED && o->err == MCPT_E_STATUS && o->retry_after != 0)) {
        return (int32_t)left > 0 ? left : 0;
    }
    if (o->state != MCPT_OAUTH_READY || o->margin == 0) {
        return (uint32_t)-1;
    }
    if (o->expires != 0 && now >= 0) {
        int64_t seconds = o->expires - (int64_t)o->margin - now;
        return seconds <= 0 ? 0 : seconds > 2000000 ? 2000000000u : (uint32_t)seconds * 1000u;
    }
    return (o->flags & MCPT__OA_TIMED) == 0 ? (uint32_t)-1 : (int32_t)left > 0 ? left : 0;
}

MCPT_API mcpt_str mcpt_oauth_token(const mcpt_oauth *o)
{
    return o->state == MCPT_OAUTH_READY ? mcpt__oa_get(o, MCPT__F_ACCESS) : mcpt__mk(NULL, 0);
}

MCPT_API size_t mcpt_oauth_lines(mcpt_oauth *o, const char *method, char *buf, size_t cap)
{
    const bool bound = (o->flags & MCPT__OA_BOUND) != 0;
    mcpt_str token = mcpt_oauth_token(o);
    mcpt__text t = mcpt__text_on(buf, cap);

    t.full = token.ptr == NULL;
    mcpt__addz(&t, bound ? "Authorization: DPoP " : "Authorization: Bearer ");
    mcpt__add(&t, token);
    mcpt__addz(&t, "\r\n");
#if !MCPT_NO_JWT
    if (bound && !t.full) {
        mcpt_str url = o->endpoint, jwt;
        const char *query = (const char *)MCPT_MEMCHR(url.ptr, '?', url.len);
        url.len = query != NULL ? (size_t)(query - url.ptr) : url.len;
        mcpt__addz(&t, "DPoP: ");
        o->err = o->config->dpop == NULL ? MCPT_E_CRYPTO : mcpt_jwt_proof(o->config->dpop, o->config->env, mcpt_z(method), url, token,
                 mcpt__oa_get(o, MCPT__F_RS_NONCE), t.at, (size_t)(t.end - t.at), &jwt);
        t.full = t.full || o->err != MCPT_OK;
        t.at += t.full ? 0 : jwt.len;
        mcpt__addz(&t, "\r\n");
    }
#else
    (void)method;
#endif
    return t.full ? 0 : (size_t)(t.at - buf);
}

MCPT_API mcpt_str mcpt_oauth_url(const mcpt_oauth *o)
{
    mcpt_str url = mcpt__oa_get(o, MCPT__F_VERIFY_URI);

    return o->state != MCPT_OAUTH_USER ? mcpt__mk(NULL, 0) : url.ptr != NULL ? url : mcpt__oa_get(o, MCPT__F_URL);
}

MCPT_API mcpt_str mcpt_oauth_user_code(const mcpt_oauth *o)
{
    return o->state == MCPT_OAUTH_USER ? mcpt__oa_get(o, MCPT__F_USER_CODE) : mcpt__mk(NULL, 0);
}

MCPT_API mcpt_err mcpt_oauth_error(const mcpt_oauth *o)
{
    return o->err;
}

MCPT_API const char *mcpt_oauth_reason(const mcpt_oauth *o)
{
    return o->reason;
}

MCPT_API mcpt_str mcpt_oauth_issuer(const mcpt_oauth *o)
{
    return mcpt__oa_get(o, MCPT__F_ISSUER);
}

MCPT_API mcpt_str mcpt_oauth_scope(const mcpt_oauth *o)
{
    return mcpt__oa_get(o, MCPT__F_GRANTED);
}

MCPT_API mcpt_str mcpt_oauth_fact(const mcpt_oauth *o, mcpt_fact fact)
{
    return mcpt__oa_get(o, fact);
}

MCPT_API mcpt_err mcpt_oauth_adopt(mcpt_oauth *o, mcpt_fact fact, mcpt_str value)
{
    uint8_t hash[32];

    if (o->state != MCPT_OAUTH_IDLE || !mcpt__oa_vschar(value, '!') || (fact == MCPT_FACT_STATE && !mcpt__oa_sha256(o, &value, 1, hash))) {
        return o->state != MCPT_OAUTH_IDLE ? MCPT_E_STATE : MCPT_E_ARG;
    }
    o->err = MCPT_OK;
    mcpt__oa_set(o, fact, fact == MCPT_FACT_STATE ? mcpt__mk((const char *)hash, 32) : value);
    o->due = mcpt__oa_millis(o) + 600000u;
    o->state = o->err != MCPT_OK ? MCPT_OAUTH_IDLE : fact == MCPT_FACT_STATE ? MCPT_OAUTH_USER :
               fact == MCPT_FACT_ACCESS_TOKEN ? MCPT_OAUTH_READY : MCPT_OAUTH_IDLE;
    return o->err;
}

MCPT_API void mcpt_oauth_close(mcpt_oauth *o)
{
    if (o->mem != NULL) {
        mcpt_wipe(o->mem - o->endpoint.len, o->size + o->endpoint.len);
    }
    mcpt_wipe(o, sizeof(*o));
}

/* -- refusals of the MCP server */
MCPT_API void mcpt_oauth_accepted(mcpt_oauth *o, mcpt_str nonce)
{
    if (o->state != MCPT_OAUTH_REQUEST) {                   /* whose text lies where the nonce would */
        mcpt__oa_nonce(o, MCPT__F_RS_NONCE, nonce);
    }
    o->flags &= ~(uint32_t)(MCPT__OA_FRESH | MCPT__OA_NONCED);
    o->stepped = o->registered = 0;
}

/* What the challenges say, the first Bearer or DPoP one of at most eight; its facts are set. False: its metadata URL must
 * not be followed. */
static bool mcpt__oa_read_challenges(mcpt_oauth *o, const mcpt_str *fields, size_t n, bool *scope, bool *nonce)
{
    mcpt_challenge c;
    mcpt_url u, own;
    unsigned count = 0;
    bool taken = false;
    size_t i;

    *scope = *nonce = false;
    mcpt__oa_set(o, MCPT__F_CHALLENGE_URL, mcpt__mk(NULL, 0));
    mcpt__oa_set(o, MCPT__F_CHALLENGE_SCOPE, mcpt__mk(NULL, 0));
    for (i = 0; i < n; i++) {
        mcpt_str field = fields[i];
        mcpt__text t = mcpt__oa_room(o);
        char *half = t.at + (t.end - t.at) / 2;             /* what has escapes goes above, facts below */
        mcpt_err e;
        while (count++ < 8 && (e = mcpt_challenge_next(&field, &c, half, (size_t)(t.end - half))) != MCPT_E_ABSENT) {
            if (e != MCPT_OK || (c.scheme.ptr != NULL && !mcpt_str_ieq(c.scheme, "Bearer") && !mcpt_str_ieq(c.scheme, "DPoP"))) {
                continue;
            }
            *nonce = *nonce || mcpt_str_is(c.error, "use_dpop_nonce");
            if (taken) {
                continue;
            }
            taken = true;
            *scope = mcpt_str_is(c.error, "insufficient_scope");
            o->top = (uint32_t)(half - o->mem);
            if (c.resource_metadata.ptr != NULL &&
                (!mcpt__oa_url(o, c.resource_metadata, &u) || !mcpt_url_split(o->endpoint, &own) ||
                 (!mcpt__same_origin(&u, &own) && (o->config->quirks & MCPT_QUIRK_CROSS_ORIGIN) == 0))) {
                return false;
            }
            mcpt__oa_set(o, MCPT__F_CHALLENGE_URL, c.resource_metadata);
            mcpt__oa_set(o, MCPT__F_CHALLENGE_SCOPE, c.scope);
        }
    }
    return true;
}

MCPT_API mcpt_err mcpt_oauth_refused(mcpt_oauth *o, unsigned status, const mcpt_str *authenticate, size_t n, mcpt_str nonce, bool token)
{
    bool insufficient, wants_nonce;
    mcpt__text t;
    mcpt_str asked, more;
    char *begin;

    if (o->state == MCPT_OAUTH_REQUEST || o->state == MCPT_OAUTH_USER || o->state == MCPT_OAUTH_WAIT) {
        return MCPT_PENDING;                                /* it is being seen to */
    }
    if (status != 401 && status != 403) {
        return MCPT_E_STATUS;
    }
    if (!mcpt__oa_read_challenges(o, authenticate, n, &insufficient, &wants_nonce)) {
        mcpt__oa_end(o, MCPT_E_RESOURCE, "resource_metadata is no https URL of this server");
        return MCPT_E_RESOURCE;
    }
    if (wants_nonce && token && (o->flags & (MCPT__OA_BOUND | MCPT__OA_NONCED)) == MCPT__OA_BOUND && nonce.len != 0) {
        mcpt__oa_nonce(o, MCPT__F_RS_NONCE, nonce);
        o->flags |= MCPT__OA_NONCED;
        return MCPT_OK;                                     /* once more, with a proof that has it */
    }
    if (status == 401) {
        if (token && (o->flags & MCPT__OA_FRESH) != 0 && o->state == MCPT_OAUTH_READY) {
            mcpt__oa_fail(o, MCPT_E_UNAUTHORIZED);          /* no loop */
            return MCPT_E_UNAUTHORIZED;
        }
        if ((!token && o->state == MCPT_OAUTH_READY) || mcpt__oa_renewed(o)) {
            return MCPT_OK;                                 /* it came meanwhile */
        }
        mcpt__oa_again(o);                                  /* perhaps the authorization server has changed: look anew */
        return MCPT_PENDING;
    }
    if (!insufficient) {
        return MCPT_E_STATUS;
    }
    more = mcpt__oa_get(o, MCPT__F_CHALLENGE_SCOPE);
    t = mcpt__oa_room(o);
    begin = t.at;
    asked = mcpt__oa_get(o, MCPT__F_ASKED);
    mcpt__oa_union(&t, begin, asked);
    mcpt__oa_union(&t, begin, more.ptr != NULL ? more : mcpt__oa_get(o, MCPT__F_META_SCOPE));
    more = mcpt__since(&t, begin);
    if (t.full || o->stepped >= 2 || more.len == asked.len) {
        return t.full ? MCPT_E_SPACE : MCPT_E_SCOPE;        /* all that is asked for was asked for before */
    }
    o->stepped++;
    o->err = MCPT_OK;
    mcpt__oa_set(o, MCPT__F_ASKED, more);
    o->flags |= MCPT__OA_STEP;
    o->reason[0] = '\0';
    if (o->config->grant == MCPT_GRANT_CODE && mcpt__oa_get(o, MCPT__F_AUTHORIZE_EP).ptr != NULL &&
        mcpt__oa_get(o, MCPT__F_CLIENT_ID).ptr != NULL) {
        mcpt__oa_authorize(o);                              /* all that is needed is known */
    } else {
        mcpt__oa_restart(o);
    }
    return o->state == MCPT_OAUTH_FAILED ? o->err : MCPT_PENDING;
}

/* -- the callback */
/* A parameter of a query, decoded into buf. False: malformed, too long, or there twice; *out is absent when there is none. */
static bool mcpt__oa_query(mcpt_str query, const char *name, char *buf, size_t cap, mcpt_str *out)
{
    size_t i = 0;

    *out = mcpt__mk(NULL, 0);
    while (i < query.len) {
        const char *p = query.ptr + i, *end, *eq;
        size_t n;
        end = (const char *)MCPT_MEMCHR(p, '&', query.len - i);
        n = end != NULL ? (size_t)(end - p) : query.len - i;
        i += n + 1;
        eq = (const char *)MCPT_MEMCHR(p, '=', n);
        if (eq == NULL || !mcpt_str_is(mcpt__mk(p, (size_t)(eq - p)), name)) {
            continue;
        }
        n -= (size_t)(eq + 1 - p);
        if (out->ptr != NULL || !mcpt__form_value(mcpt__mk(eq + 1, n), buf, cap, out)) {
            return false;
        }
    }
    return true;
}

/* Finds the attempt this state belongs to, in memory or in the store, and ends it there: a state is used once. */
static mcpt_err mcpt__oa_claim(mcpt_oauth *o, mcpt_str state)
{
    mcpt_str mine = mcpt__oa_get(o, MCPT__F_STATE);
    uint8_t hash[32];
    char key[16];
    bool here;
    mcpt_err e;

    if (!mcpt__oa_sha256(o, &state, 1, hash) || !mcpt__oa_pending_key(o, mcpt__mk((const char *)hash, 32), key)) {
        return MCPT_E_CRYPTO;
    }
    here = o->state == MCPT_OAUTH_USER && mine.len == 32 && mcpt_same(mine.ptr, hash, 32);
    if (here) {
        mcpt__oa_set(o, MCPT__F_URL, mcpt__mk(NULL, 0));    /* makes room */
    }
    e = here && (o->config->store == NULL || mcpt__oa_get(o, MCPT__F_TOKEN_EP).ptr == NULL) ? MCPT_OK : mcpt__oa_load(o, key, true);
    mine = mcpt__oa_get(o, MCPT__F_STATE);
    if (e == MCPT_OK && (mine.len != 32 || !mcpt_same(mine.ptr, hash, 32))) {
        e = MCPT_E_ABSENT;
    }
    if (e == MCPT_OK) {
        mcpt__oa_drop(o, mcpt__oa_tokens);                  /* perhaps of another authorization server than this attempt's */
        mcpt__oa_client_again(o);
    } else if ((e == MCPT_E_ABSENT || e == MCPT_E_TIMEOUT) && here) {       /* over, or another process has it, and will store the token */
        mcpt__oa_drop(o, mcpt__oa_attempt);
        o->state = MCPT_OAUTH_IDLE;
    }
    return e;
}

/* The answer belongs to our attempt: is it one of the server that was asked, and does it bring a code? */
static mcpt_err mcpt__oa_returned(mcpt_oauth *o, mcpt_str query)
{
    mcpt__text t = mcpt__oa_room(o);
    size_t half = (size_t)(t.end - t.at) / 2;
    char error[64];
    mcpt_str iss, what, why, code;

    if (half < 4 || !mcpt__oa_query(query, "iss", t.at, half - 3, &iss) || !mcpt__oa_query(query, "code", t.at + half, half, &code) ||
        !mcpt__oa_query(query, "error", error, sizeof(error), &what) || (what.ptr != NULL) == (code.ptr != NULL)) {
        return MCPT_E_PARAMS;
    }
    mcpt__oa_set(o, MCPT__F_ISS, iss);                      /* 3 bytes longer as a fact: below the code still */
    if (mcpt__oa_get(o, MCPT__F_TOKEN_EP).ptr != NULL && !mcpt__oa_iss_ok(o)) {
        return MCPT_E_ISSUER;                               /* before its error text is believed */
    }
    if (what.ptr != NULL) {
        if (mcpt_str_is(what, "invalid_scope") && mcpt__oa_client_lost(o)) {
            return MCPT_PENDING;                            /* registered for less (RFC 7591 section 2): once, for what is wanted now */
        }
        (void)mcpt__oa_query(query, "error_description", t.at + half, half, &why);      /* in code's place; merely shown */
        mcpt__oa_say(o, what, why);
        return mcpt_str_is(what, "access_denied") ? MCPT_E_DECLINED : MCPT_E_OAUTH;
    }
    if (!mcpt__oa_vschar(code, ' ')) {
        return MCPT_E_PARAMS;
    }
    mcpt__oa_set(o, MCPT__F_URL, mcpt__mk(NULL, 0));
    mcpt__oa_set(o, MCPT__F_CODE, code);
    return o->err;
}

MCPT_API mcpt_err mcpt_oauth_callback(mcpt_oauth *o, mcpt_str query)
{
    char buf[256];
    mcpt_str state;
    mcpt_err e, was = o->err;

    if (o->config->grant > MCPT_GRANT_DEVICE || o->state == MCPT_OAUTH_REQUEST) {
        return MCPT_E_STATE;
    }
    if (query.len > 8192 || !mcpt__oa_query(query, "state", buf, sizeof(buf), &state)) {
        return MCPT_E_PARAMS;
    }
    o->err = MCPT_OK;
    e = state.len == 0 ? MCPT_E_ABSENT : mcpt__oa_claim(o, state);
    if (e == MCPT_E_ABSENT || e == MCPT_E_TIMEOUT) {
        o->err = o->state == MCPT_OAUTH_IDLE ? e : was;     /* nothing else would tell */
        return e;
    }
    o->reason[0] = '\0';
    e = e == MCPT_OK ? mcpt__oa_returned(o, query) : e;
    if (e == MCPT_OK) {
        if (mcpt__oa_get(o, MCPT__F_TOKEN_EP).ptr != NULL) {
            mcpt__oa_ask_token(o, MCPT__STEP_CODE);
        } else {
            mcpt__oa_ask_resource(o);                       /* adopted */
        }
        e = o->state == MCPT_OAUTH_FAILED ? o->err : MCPT_PENDING;
    } else if (e != MCPT_PENDING) {
        mcpt__oa_drop(o, mcpt__oa_attempt);
        mcpt__oa_fail(o, e);
    }
    return e;
}
#endif /* !MCPT_NO_OAUTH */
/* >>channel: implementation ------------------------------------------------------------------------------
 * A connection of a client: HTTP/1.1, or lines. */
#if !MCPT_NO_CLIENT
enum { MCPT__CH_SSE = 1, MCPT__CH_JSON = 2, MCPT__CH_HELD = 4, MCPT__CH_LONG = 8 };    /* mcpt_channel.flags; HELD: link.body */
                                                            /* has a rest that had to wait; LONG: this line is passed over */
MCPT_API void mcpt_channel_init(mcpt_channel *ch, void *rx, size_t rx_size, void *tx, size_t tx_size, void *msg, size_t msg_size)
{
    MCPT_MEMSET(ch, 0, sizeof(*ch));
    mcpt__link_init(&ch->io, &ch->link, rx, rx_size, tx, tx_size);
    ch->msg = (char *)msg;
    ch->msg_size = (uint32_t)msg_size;
}

MCPT_API const mcpt_origin *mcpt_channel_origin(const mcpt_channel *ch)
{
    return &ch->link.origin;
}

MCPT_API void mcpt_channel_connected(mcpt_channel *ch)
{
    mcpt__link_connected(&ch->io, &ch->link);
}

static bool mcpt__ch_idle(const mcpt_channel *ch)
{
    return ch->purpose == 0 && ch->link.state == MCPT__LK_FREE;
}

static void mcpt__ch_drop(mcpt_channel *ch)
{
    mcpt__link_drop(&ch->io, &ch->link);
    ch->purpose = 0;
    ch->flags &= (uint8_t)~(unsigned)MCPT__CH_HELD;
}

/* What has happened on this channel; NONE: bytes must move first. */
static unsigned mcpt__ch_step(mcpt_channel *ch)
{
    unsigned ev = (ch->flags & MCPT__CH_HELD) != 0 ? (unsigned)MCPT__EV_BODY : mcpt__link_step(&ch->io, &ch->link);
    mcpt_str coding = ev == MCPT__EV_HEAD ? mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_CONTENT_ENCODING) : mcpt__mk(NULL, 0);

    ev = coding.ptr != NULL && !mcpt_str_ieq(coding, "identity") ? mcpt__link_fail(&ch->io, &ch->link, MCPT_E_HTTP) : ev;
    ch->flags &= (uint8_t)~(unsigned)MCPT__CH_HELD;
    ch->purpose = ev == MCPT__EV_FAIL ? 0 : ch->purpose;
    return ev;
}

static unsigned mcpt__ch_want(const mcpt_channel *ch)
{
    if (ch->link.state == MCPT__LK_CONNECT) {
        return MCPT_WANT_CONNECT;
    }
    if (ch->io.tx_at != ch->io.tx_len) {
        return MCPT_WANT_TX;
    }
    return (ch->link.flags & MCPT__LK_UP) == 0 ? MCPT_CLOSED : MCPT_WANT_RX;
}
#endif /* !MCPT_NO_CLIENT */

/* >>client-messages: implementation ----------------------------------------------------------------------
 * What the client says, and what it understands. */
#if !MCPT_NO_CLIENT
enum {                                                      /* mcpt_client.phase */
    MCPT__CP_START, MCPT__CP_DISCOVER, MCPT__CP_INIT, MCPT__CP_TOLD, MCPT__CP_LISTEN, MCPT__CP_READY, MCPT__CP_CALL,
    MCPT__CP_CANCEL, MCPT__CP_LEAVE, MCPT__CP_OVER
};
enum { MCPT__CF_BEGUN = 1, MCPT__CF_AUTH = 2, MCPT__CF_AGAIN = 4, MCPT__CF_REDO = 8, MCPT__CF_SENT_TOKEN = 16, MCPT__CF_LISTENING = 32,
       MCPT__CF_VERSION_RETRIED = 64, MCPT__CF_RESUME = 128 };             /* .flags */
enum { MCPT__CU_NONE, MCPT__CU_ANSWER, MCPT__CU_MAIN, MCPT__CU_OAUTH, MCPT__CU_LISTEN };       /* mcpt_channel.purpose */
enum { MCPT__CW_PARAMS, MCPT__CW_ARGUMENTS };               /* .kind: where the caller writes */
enum {                                                      /* rows of any message from a server */
    MCPT__M_ROOT, MCPT__M_ID, MCPT__M_METHOD, MCPT__M_PARAMS, MCPT__M_RESULT, MCPT__M_ERROR, MCPT__M_TYPE, MCPT__M_INPUTS,
    MCPT__M_STATE, MCPT__M_VERSION, MCPT__M_VERSIONS, MCPT__M_CODE, MCPT__M_MESSAGE, MCPT__M_DATA, MCPT__M_SUPPORTED, MCPT__M_COUNT
};
static const mcpt_pick mcpt__client_picks[MCPT__M_COUNT] = {
    MCPT_PICK("", 0), MCPT_PICK("id", 0), MCPT_PICK("method", 0), MCPT_PICK("params", 0), MCPT_PICK("result", 0),
    MCPT_PICK("error", 0), MCPT_PICK("resultType", MCPT__M_RESULT), MCPT_PICK("inputRequests", MCPT__M_RESULT),
    MCPT_PICK("requestState", MCPT__M_RESULT), MCPT_PICK("protocolVersion", MCPT__M_RESULT),
    MCPT_PICK("supportedVersions", MCPT__M_RESULT), MCPT_PICK("code", MCPT__M_ERROR), MCPT_PICK("message", MCPT__M_ERROR),
    MCPT_PICK("data", MCPT__M_ERROR), MCPT_PICK("supported", MCPT__M_DATA) };

static bool mcpt__cl_modern(const mcpt_client *c)
{
    return c->revision == MCPT_2026_07_28 || c->phase == MCPT__CP_DISCOVER;
}

static bool mcpt__cl_http(const mcpt_client *c)
{
    return c->config->endpoint != NULL;
}

/* May the server ask? In the legacy era the answer needs a channel of its own. */
static unsigned mcpt__cl_can(const mcpt_client *c)
{
    const unsigned can = c->config->ask != NULL ? c->config->can : 0;

    return mcpt__cl_modern(c) || !mcpt__cl_http(c) || c->nchannels > 1 ? can : 0;
}

static void mcpt__cl_put_caps(mcpt_writer *w, unsigned can)
{
    mcpt_obj(w);
    if ((can & (MCPT_CAN_FORM | MCPT_CAN_URL)) != 0) {
        mcpt_key(w, "elicitation");
        mcpt_obj(w);
        if ((can & MCPT_CAN_FORM) != 0) {
            mcpt_kv_raw(w, "form", mcpt_z("{}"));
        }
        if ((can & MCPT_CAN_URL) != 0) {
            mcpt_kv_raw(w, "url", mcpt_z("{}"));
        }
        mcpt_end(w);
    }
    if ((can & MCPT_CAN_SAMPLE) != 0) {
        mcpt_key(w, "sampling");
        mcpt_obj(w);
        if ((can & MCPT_CAN_SAMPLE_TOOLS) != 0) {
            mcpt_kv_raw(w, "tools", mcpt_z("{}"));
        }
        if ((can & MCPT_CAN_SAMPLE_CONTEXT) != 0) {
            mcpt_kv_raw(w, "context", mcpt_z("{}"));
        }
        mcpt_end(w);
    }
    if ((can & MCPT_CAN_ROOTS) != 0) {
        mcpt_kv_raw(w, "roots", mcpt_z("{}"));
    }
    if ((can & MCPT_CAN_TASKS) != 0) {
        mcpt_kv_raw(w, "extensions", mcpt_z("{\"io.modelcontextprotocol/tasks\":{}}"));
    }
    mcpt_end(w);
}

static void mcpt__cl_put_info(mcpt_writer *w, const mcpt_client_config *config)
{
    mcpt_obj(w);
    mcpt_kv_z(w, "name", config->name);
    mcpt_kv_z(w, "version", config->version);
    mcpt_kv_z(w, "title", config->title);
    mcpt_end(w);
}

/* The envelope of every request: its beginning up to the inside of params (2026-07-28: behind _meta). Answers its length,
 * 0 when cap is too small. */
static size_t mcpt__cl_envelope(const mcpt_client *c, const char *method, uint32_t id, bool more, char *buf, size_t cap)
{
    const mcpt_client_config *config = c->config;
    mcpt_writer w;
    size_t n;

    mcpt_w_init(&w, buf, cap);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "jsonrpc", "2.0");
    if (id != 0) {
        mcpt_kv_int(&w, "id", id);
    }
    mcpt_kv_z(&w, "method", method);
    mcpt_key(&w, "params");
    mcpt_obj(&w);
    if (id != 0 && (mcpt__cl_modern(c) || config->notify != NULL)) {
        mcpt_key(&w, "_meta");
        mcpt_obj(&w);
        if (mcpt__cl_modern(c)) {
            mcpt_kv_z(&w, "io.modelcontextprotocol/protocolVersion", "2026-07-28");
            mcpt_key(&w, "io.modelcontextprotocol/clientCapabilities");
            mcpt__cl_put_caps(&w, mcpt__cl_can(c));
            mcpt_key(&w, "io.modelcontextprotocol/clientInfo");
            mcpt__cl_put_info(&w, config);
            mcpt_kv_z(&w, "io.modelcontextprotocol/logLevel", config->log_level);
        }
        if (config->notify != NULL) {
            mcpt_kv_int(&w, "progressToken", id);
        }
        mcpt_end(&w);
        n = w.total;
        if (more) {
            n++;
            if (buf != NULL && n <= cap) {
                buf[n - 1] = ',';
            }
        }
    } else {
        n = w.total;
    }
    return w.err != MCPT_OK && buf != NULL ? 0 : n;
}

/* A value as Mcp-Name and Mcp-Param-* carry it: plain, or base64 in a sentinel where a field cannot hold it (2026-07-28,
 * basic/transports, "Value Encoding"). */
static void mcpt__cl_value_line(mcpt__text *t, mcpt_str name, mcpt_str v)
{
    bool plain = v.len != 0 && v.ptr[0] != ' ' && v.ptr[v.len - 1] != ' ';
    size_t n;

    for (size_t i = 0; plain && i < v.len; i++) {
        plain = v.ptr[i] >= ' ' && v.ptr[i] <= '~';
    }
    if (plain && v.len >= 11 && MCPT_MEMCMP(v.ptr, "=?base64?", 9) == 0 && MCPT_MEMCMP(v.ptr + v.len - 2, "?=", 2) == 0) {
        plain = false;
    }
    mcpt__add(t, name);
    mcpt__add(t, mcpt_z(plain ? ": " : ": =?base64?"));
    if (plain) {
        mcpt__add(t, v);
    } else {
        n = mcpt_b64_encode(v.ptr, v.len, false, t->at, (size_t)(t->end - t->at));
        t->full = t->full || (n == 0 && v.len != 0);
        t->at += n;
        mcpt__add(t, mcpt_z("?="));
    }
    mcpt__add(t, mcpt_z("\r\n"));
}

/* Length, empty line, and off it goes. */
static bool mcpt__cl_go(mcpt_channel *ch, mcpt__text *t, const mcpt_url *u, mcpt_str body)
{
    mcpt__add_field(t, "Accept-Encoding", mcpt_z("identity"));             /* else any is welcome (RFC 9110 section 12.5.3) */
    mcpt__add_end(t, body.ptr != NULL, body.len);
    ch->flags = 0;
    ch->msg_len = 0;
    return !t->full && mcpt__link_begin(&ch->io, &ch->link, u, (size_t)(t->at - ch->link.tx), body);
}

/* Fields of every request to the MCP endpoint. */
static void mcpt__cl_common(mcpt_client *c, mcpt__text *t, const char *method)
{
    size_t n = 0;

    c->flags &= (uint8_t)~(unsigned)MCPT__CF_SENT_TOKEN;
    if (c->session_len != 0 && c->phase > MCPT__CP_INIT) {
        mcpt__add_field(t, "Mcp-Session-Id", mcpt__mk(c->session, c->session_len));
    }
    if (mcpt__cl_modern(c)) {
        mcpt__add_field(t, "MCP-Protocol-Version", mcpt_z("2026-07-28"));
    } else if (c->revision >= MCPT_2025_06_18 && c->phase > MCPT__CP_INIT) {
        mcpt__add_field(t, "MCP-Protocol-Version", mcpt_z(mcpt__nth(mcpt__revisions, c->revision - 1u)));
    }
#if !MCPT_NO_OAUTH
    if (c->config->oauth != NULL && mcpt_oauth_token(c->config->oauth).ptr != NULL) {
        n = mcpt_oauth_lines(c->config->oauth, method, t->at, (size_t)(t->end - t->at));
        t->full = t->full || n == 0;
        t->at += n;
        c->flags |= MCPT__CF_SENT_TOKEN;
    }
#else
    (void)method;
#endif
    if (c->config->token != NULL && n == 0) {
        mcpt__add(t, mcpt_z("Authorization: Bearer "));
        mcpt__add_field(t, NULL, mcpt_z(c->config->token));
    }
}

/* POSTs a message, or writes it as a line. In the modern era method and name go into fields, too. */
static bool mcpt__cl_post(mcpt_client *c, mcpt_channel *ch, const char *method, mcpt_str body)
{
    mcpt_url u;
    mcpt__text t;

    if (!mcpt__cl_http(c)) {
        ch->io.tx = ch->link.tx;
        t = mcpt__text_on(ch->link.tx, ch->io.tx_cap);
        t.full = ch->io.tx_at != ch->io.tx_len;
        mcpt__add(&t, body);
        mcpt__add(&t, mcpt_z("\n"));
        ch->io.tx_at = 0;
        ch->io.tx_len = t.full ? 0 : (uint32_t)(t.at - ch->link.tx);
        return !t.full;
    }
    (void)mcpt_url_split(mcpt_z(c->config->endpoint), &u);
    t = mcpt__add_request(ch->link.tx, ch->io.tx_cap, "POST", &u);
    mcpt__add(&t, mcpt_z("Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"));
    mcpt__cl_common(c, &t, "POST");
    if (mcpt__cl_modern(c) && method != NULL) {
        mcpt__add_field(&t, "Mcp-Method", mcpt_z(method));
        if (c->name_len != 0 && method == c->method) {
            mcpt__cl_value_line(&t, mcpt_z("Mcp-Name"), mcpt__mk(c->name, c->name_len));
            mcpt__add(&t, mcpt__mk(c->req + c->req_size - c->lines_len, c->lines_len));
        }
    }
    return mcpt__cl_go(ch, &t, &u, body);
}

/* Sends a request of the library's own: params is the inside of its object. It is built at the end of tx, or in req when
 * the caller's own request is not there. */
static bool mcpt__cl_own(mcpt_client *c, mcpt_channel *ch, const char *method, uint32_t id, mcpt_str params, char *room, size_t cap)
{
    size_t n = mcpt__cl_envelope(c, method, id, params.len != 0, room, cap);

    if (n == 0 || params.len + 2 > cap - n) {
        return false;
    }
    if (params.len != 0) {
        MCPT_MEMMOVE(room + n, params.ptr, params.len);
    }
    MCPT_MEMCPY(room + n + params.len, "}}", 2);
    return mcpt__cl_post(c, ch, method, mcpt__mk(room, n + params.len + 2));
}

/* -- the caller's request: [room for the envelope]{params}[answers] ... [Mcp-Param fields] in req */
static bool mcpt__cl_send_call(mcpt_client *c)
{
    char *inner = c->req + c->inner;
    uint32_t id = ++c->id;
    size_t n, len;

    n = mcpt__cl_envelope(c, c->method, id, c->inner_len > 2 || c->tail_len != 0, c->req, c->inner);
    if (n == 0 || n > c->inner) {
        return false;
    }
    MCPT_MEMMOVE(inner + 1 - n, c->req, n);                 /* over the { of params */
    len = n + c->inner_len - 2 + c->tail_len;
    MCPT_MEMCPY(inner + 1 - n + len, "}}", 2);
    return mcpt__cl_post(c, &c->channels[0], c->method, mcpt__mk(inner + 1 - n, len + 2));
}

typedef struct mcpt__cl_param { mcpt_client *c; mcpt__text t; } mcpt__cl_param;

static mcpt_err mcpt__cl_put_param(void *user, mcpt_str header, mcpt_val value)
{
    mcpt__cl_param *p = (mcpt__cl_param *)user;
    char name[80], buf[256];
    mcpt_str v = mcpt_raw(value);

    if (header.len > sizeof(name) - 10) {
        return MCPT_E_SPACE;
    }
    MCPT_MEMCPY(name, "Mcp-Param-", 10);
    MCPT_MEMCPY(name + 10, header.ptr, header.len);
    if (mcpt_typeof(value) == MCPT_STRING && mcpt_get_str(value, buf, sizeof(buf), &v) != MCPT_OK) {
        return MCPT_E_SPACE;
    }
    mcpt__cl_value_line(&p->t, mcpt__mk(name, header.len + 10), v);
    return p->t.full ? MCPT_E_SPACE : MCPT_OK;
}

/* The Mcp-Param fields of the arguments, at the end of req. */
static mcpt_err mcpt__cl_param_lines(mcpt_client *c)
{
    mcpt__cl_param p;
    mcpt_doc doc;
    mcpt_err e;
    char *from;

    c->lines_len = 0;
    if (c->schema.ptr == NULL || !mcpt__cl_modern(c) || !mcpt__cl_http(c)) {
        return MCPT_OK;
    }
    e = mcpt_parse(&doc, mcpt__mk(c->req + c->inner, c->inner_len), c->tok, c->ntok);
    from = c->req + c->inner + c->inner_len + 2;
    p.c = c;
    p.t.at = from;
    p.t.end = c->req + c->req_size;
    p.t.full = e != MCPT_OK || from > p.t.end;
    if (!p.t.full) {
        e = mcpt_schema_headers(c->schema, mcpt_get(mcpt_root(&doc), "arguments"), mcpt__cl_put_param, &p);
    }
    if (e == MCPT_OK && !p.t.full) {
        c->lines_len = (uint32_t)(p.t.at - from);
        MCPT_MEMMOVE(c->req + c->req_size - c->lines_len, from, c->lines_len);
    }
    return e;
}

MCPT_API mcpt_writer *mcpt_client_begin(mcpt_client *c, const char *method, const char *name)
{
    const bool uri = mcpt_str_is(mcpt_z(method), "resources/read");
    const bool task = MCPT_STRLEN(method) > 6 && MCPT_MEMCMP(method, "tasks/", 6) == 0;
    size_t n = name != NULL ? MCPT_STRLEN(name) : 0;

    c->flags &= (uint8_t)~(unsigned)MCPT__CF_BEGUN;
    if (c->phase != MCPT__CP_READY || (c->flags & MCPT__CF_AUTH) != 0 || n > sizeof(c->name)) {
        return NULL;
    }
    c->inner = (uint32_t)mcpt__cl_envelope(c, method, 0xffffffffu, true, NULL, 0);
    if (c->inner + 8 > c->req_size) {
        return NULL;
    }
    c->method = method;
    c->name_len = (uint16_t)n;
    if (n != 0) {
        MCPT_MEMCPY(c->name, name, n);
    }
    c->flags |= MCPT__CF_BEGUN;
    c->tail_len = c->lines_len = 0;
    c->rounds = 0;
    c->schema.ptr = NULL;
    c->pieces = NULL;
    c->kind = name != NULL && !uri && !task ? MCPT__CW_ARGUMENTS : MCPT__CW_PARAMS;
    mcpt_w_init(&c->w, c->req + c->inner, c->req_size - c->inner - 1);
    mcpt_obj(&c->w);
    mcpt_kv_z(&c->w, uri ? "uri" : task ? "taskId" : "name", name);
    if (c->kind == MCPT__CW_ARGUMENTS) {
        mcpt_key(&c->w, "arguments");
        mcpt_obj(&c->w);
    }
    return &c->w;
}

MCPT_API void mcpt_client_schema(mcpt_client *c, mcpt_str schema)
{
    c->schema = schema;
}

static void mcpt__cl_note(void *user, mcpt_str keyword, const char *why)
{
    (void)why;
    if (mcpt_str_is(keyword, "x-mcp-header")) {
        *(bool *)user = false;
    }
}

MCPT_API bool mcpt_client_tool_ok(mcpt_str schema)
{
    bool ok = true;
    mcpt_err e = mcpt_schema_lint(schema, mcpt__cl_note, &ok);

    return ok && (e == MCPT_OK || e == MCPT_E_PARAMS);
}

MCPT_API void mcpt_client_pieces(mcpt_client *c, mcpt_pieces *p)
{
    c->pieces = p;
    p->open = false;
}

/* -- messages that come in */
static bool mcpt__cl_version_in(mcpt_str array, const char *version)        /* of a checked raw array of strings */
{
    const size_t n = MCPT_STRLEN(version);

    for (size_t i = 0; n + 2 <= array.len && i <= array.len - n - 2; i++) {
        if (array.ptr[i] == '"' && array.ptr[i + n + 1] == '"' && MCPT_MEMCMP(array.ptr + i + 1, version, n) == 0) {
            return true;
        }
    }
    return false;
}

/* Asks the application; writes the answer object, and answers what went wrong. */
static mcpt_err mcpt__cl_ask(mcpt_client *c, mcpt_str method, mcpt_str params, mcpt_writer *w)
{
    mcpt_val none;
    mcpt_err e;

    none.doc = NULL;
    none.at = 0;
    c->doc.count = 0;
    if (params.len != 0) {
        e = mcpt_parse(&c->doc, params, c->tok, c->ntok);
        if (e != MCPT_OK) {
            return e;
        }
        none = mcpt_root(&c->doc);
    }
    e = c->config->ask(c->config->user, method, none, w);
    if (e == MCPT_E_DECLINED && w->total == 0 && mcpt_str_is(method, "elicitation/create")) {
        mcpt_obj(w);
        mcpt_kv_z(w, "action", "decline");
        mcpt_end(w);
        return MCPT_OK;
    }
    return e;
}

static bool mcpt__cl_may_ask(const mcpt_client *c, mcpt_str method)
{
    const unsigned can = mcpt__cl_can(c);

    return (mcpt_str_is(method, "elicitation/create") && (can & (MCPT_CAN_FORM | MCPT_CAN_URL)) != 0) ||
           (mcpt_str_is(method, "sampling/createMessage") && (can & MCPT_CAN_SAMPLE) != 0) ||
           (mcpt_str_is(method, "roots/list") && (can & MCPT_CAN_ROOTS) != 0);
}

/* Where an answer to a legacy server's request can go out now: the line itself, or a channel that is free; NULL: none. */
static mcpt_channel *mcpt__cl_answer_channel(const mcpt_client *c, mcpt_channel *from)
{
    unsigned i;

    if (!mcpt__cl_http(c)) {
        return from;
    }
    for (i = 1; i < c->nchannels; i++) {
        if (&c->channels[i] != from && mcpt__ch_idle(&c->channels[i])) {
            return &c->channels[i];
        }
    }
    return NULL;
}

/* A request of a legacy server. */
static void mcpt__cl_serve(mcpt_client *c, mcpt_channel *from, mcpt_str id, mcpt_str method, mcpt_str params)
{
    mcpt_channel *ch = mcpt__cl_answer_channel(c, from);
    mcpt_writer w;
    mcpt_str text;
    size_t mark, room;
    mcpt_err e;

    if (ch == NULL) {
        return;                                             /* no way to answer: the capability was not declared */
    }
    room = ch->io.tx_cap > 768 ? 768 : ch->io.tx_cap / 2;   /* the head stands before it */
    mcpt_w_init(&w, ch->link.tx + room, ch->io.tx_cap - room);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "jsonrpc", "2.0");
    mcpt_kv_raw(&w, "id", id);
    mark = w.total;
    if (mcpt_str_is(method, "ping")) {
        mcpt_kv_raw(&w, "result", mcpt_z("{}"));
        e = MCPT_OK;
    } else if (mcpt__cl_may_ask(c, method)) {
        mcpt_writer part;
        mcpt_w_init(&part, ch->link.tx + room + mark + 10, ch->io.tx_cap - room > mark + 11 ? ch->io.tx_cap - room - mark - 11 : 0);
        e = mcpt__cl_ask(c, method, params, &part);         /* where the value of ,"result": will stand */
        e = e == MCPT_OK ? mcpt_w_done(&part, &text) : e;
        if (e == MCPT_OK) {
            MCPT_MEMCPY(ch->link.tx + room + mark, ",\"result\":", 10);
            MCPT_MEMCPY(ch->link.tx + room + mark + 10 + text.len, "}", 1);
            (void)mcpt__cl_post(c, ch, NULL, mcpt__mk(ch->link.tx + room, mark + 11 + text.len));
            ch->purpose = mcpt__cl_http(c) ? 1 : ch->purpose;
            return;
        }
    } else {
        e = MCPT_E_NOT_FOUND;
    }
    if (e != MCPT_OK) {
        mcpt_key(&w, "error");
        mcpt_obj(&w);
        mcpt_kv_int(&w, "code", e == MCPT_E_NOT_FOUND ? -32601 : e == MCPT_E_DECLINED ? -1 : -32603);
        mcpt_kv_z(&w, "message", e == MCPT_E_NOT_FOUND ? "method not found" : e == MCPT_E_DECLINED ? "the user declined" : "cannot answer");
        mcpt_end(&w);
    }
    mcpt_end(&w);
    if (mcpt_w_done(&w, &text) == MCPT_OK) {
        (void)mcpt__cl_post(c, ch, NULL, text);
        ch->purpose = mcpt__cl_http(c) ? 1 : ch->purpose;
    }
}

static void mcpt__cl_end(mcpt_client *c, mcpt_err e)        /* the call is over */
{
    c->outcome = e;
    c->flags &= (uint8_t)~(unsigned)(MCPT__CF_RESUME | MCPT__CF_REDO);
    c->phase = c->phase >= MCPT__CP_READY && c->phase < MCPT__CP_LEAVE ? (uint8_t)MCPT__CP_READY : c->phase;
    if (c->phase < MCPT__CP_READY) {
        c->state = MCPT_CLIENT_FAILED;
    }
}

/* input_required (2026-07-28, "Multi Round-Trip Requests"): every question answered, the same request goes out again. */
static mcpt_err mcpt__cl_answer_inputs(mcpt_client *c, mcpt_str inputs, mcpt_str request_state)
{
    char *tail = c->req + c->inner + c->inner_len - 1;
    size_t cap = (size_t)(c->req + c->req_size - tail) - c->lines_len;
    mcpt_doc doc;
    mcpt_val it, ask;
    mcpt_str key, text, params;
    mcpt_writer w;
    char method[32];
    size_t n = 0;
    mcpt_err e;

    if (++c->rounds > 10) {
        return MCPT_E_LIMIT;
    }
    if (cap < 24) {
        return MCPT_E_SPACE;
    }
    cap -= 2;                                               /* the brackets behind it */
    if (c->inner_len > 2) {
        tail[n++] = ',';
    }
    if (inputs.len > 2) {
        uint32_t half = c->ntok / 2;                        /* the questions in one half, each one's params in the other */
        e = mcpt_parse(&doc, inputs, c->tok, half);
        if (e != MCPT_OK) {
            return e;
        }
        MCPT_MEMCPY(tail + n, "\"inputResponses\":{", 18);
        n += 18;
        MCPT_MEMSET(&it, 0, sizeof(it));
        while (mcpt_next(mcpt_root(&doc), &it, &key)) {
            mcpt_tok *all = c->tok;
            uint32_t total = c->ntok;
            ask = mcpt_get(it, "method");
            params = mcpt_raw(mcpt_get(it, "params"));
            if (mcpt_get_str(ask, method, sizeof(method), &text) != MCPT_OK || !mcpt__cl_may_ask(c, text)) {
                return MCPT_E_CAPABILITY;
            }
            if (n + key.len + 8 > cap) {
                return MCPT_E_SPACE;
            }
            if (tail[n - 1] != '{') {
                tail[n++] = ',';
            }
            tail[n++] = '"';
            MCPT_MEMCPY(tail + n, key.ptr, key.len);
            n += key.len;
            tail[n++] = '"';
            tail[n++] = ':';
            mcpt_w_init(&w, tail + n, cap - n);
            c->tok = all + half;
            c->ntok = total - half;
            e = mcpt__cl_ask(c, text, params, &w);
            c->tok = all;
            c->ntok = total;
            e = e == MCPT_OK ? mcpt_w_done(&w, &text) : e;
            if (e != MCPT_OK) {
                return e;
            }
            n += text.len;
        }
        if (n + 2 > cap) {
            return MCPT_E_SPACE;
        }
        tail[n++] = '}';
        if (request_state.len != 0) {
            tail[n++] = ',';
        }
    }
    if (request_state.len != 0) {                           /* the raw token: not one byte of it changes */
        if (n + request_state.len + 15 > cap) {
            return MCPT_E_SPACE;
        }
        MCPT_MEMCPY(tail + n, "\"requestState\":", 15);
        MCPT_MEMCPY(tail + n + 15, request_state.ptr, request_state.len);
        n += 15 + request_state.len;
    }
    c->tail_len = (uint32_t)n;
    c->flags |= MCPT__CF_REDO;
    return MCPT_OK;
}

/* The answer to the call. */
static void mcpt__cl_answered(mcpt_client *c, const char *text, const mcpt_span *f)
{
    mcpt_str type = mcpt__cut(text, f[MCPT__M_TYPE]), state = mcpt__cut(text, f[MCPT__M_STATE]);
    mcpt_err e = MCPT_OK;

    if (f[MCPT__M_ERROR].len != 0) {
        c->code = 0;
        for (uint32_t i = 0; i < f[MCPT__M_CODE].len; i++) {
            char d = text[f[MCPT__M_CODE].at + i];
            c->code = mcpt__digit(d) && c->code < 100000000 ? c->code * 10 + (d - '0') : c->code;
        }
        c->code = f[MCPT__M_CODE].len != 0 && text[f[MCPT__M_CODE].at] == '-' ? -c->code : c->code;
        c->message = mcpt__cut(text, f[MCPT__M_MESSAGE]);
        if (c->code == -32022 && mcpt__cl_modern(c) && (c->flags & MCPT__CF_VERSION_RETRIED) == 0 &&
            mcpt__cl_version_in(mcpt__cut(text, f[MCPT__M_SUPPORTED]), "2026-07-28")) {
            c->flags |= MCPT__CF_VERSION_RETRIED | MCPT__CF_REDO;      /* once, with a new id */
            return;
        }
        mcpt__cl_end(c, MCPT_E_RPC);
        return;
    }
    c->result = mcpt__cut(text, f[MCPT__M_RESULT]);
    if (mcpt_str_is(type, "\"input_required\"") && mcpt__cl_modern(c)) {
        e = mcpt__cl_answer_inputs(c, mcpt__cut(text, f[MCPT__M_INPUTS]), state);
        if (e == MCPT_OK) {
            return;
        }
    } else if (type.len != 0 && !mcpt_str_is(type, "\"complete\"") && !mcpt_str_is(type, "\"task\"") && mcpt__cl_modern(c)) {
        e = MCPT_E_RPC;                                     /* an extension that was not asked for */
        c->code = 0;
    }
    mcpt__cl_end(c, e);
}

/* The answer to server/discover, or a refusal of it: which era is it? */
static void mcpt__cl_discovered(mcpt_client *c, const char *text, const mcpt_span *f)
{
    mcpt_str code = mcpt__cut(text, f[MCPT__M_CODE]);
    const bool version = mcpt__cl_version_in(mcpt__cut(text, f[MCPT__M_SUPPORTED]), "2026-07-28");

    if (mcpt__cl_version_in(mcpt__cut(text, f[MCPT__M_VERSIONS]), "2026-07-28") || mcpt_str_is(code, "-32020") ||
        mcpt_str_is(code, "-32021") || (mcpt_str_is(code, "-32022") && version)) {
        c->revision = MCPT_2026_07_28;
        c->phase = MCPT__CP_READY;
    } else {
        c->phase = MCPT__CP_INIT;
    }
}

static void mcpt__cl_initialized(mcpt_client *c, const char *text, const mcpt_span *f)
{
    mcpt_str version = mcpt__cut(text, f[MCPT__M_VERSION]);
    int r = version.len > 2 ? mcpt__find_name(mcpt__revisions, mcpt__mk(version.ptr + 1, version.len - 2)) : -1;

    if (f[MCPT__M_RESULT].len == 0 || r < 0 || r + 1 >= MCPT_2026_07_28) {
        c->message = mcpt__cut(text, f[MCPT__M_MESSAGE]);
        mcpt__cl_end(c, f[MCPT__M_RESULT].len == 0 ? MCPT_E_RPC : MCPT_E_VERSION);
        return;
    }
    c->revision = (uint8_t)(r + 1);
    c->phase = MCPT__CP_TOLD;
}

static bool mcpt__cl_is_id(mcpt_str raw, uint32_t id)
{
    char digits[10];

    return mcpt_str_eq(raw, mcpt__digits(digits, id));
}

/* One whole message. own: it may be the answer that phase waits for. Answers whether it was. */
static bool mcpt__cl_message(mcpt_client *c, mcpt_channel *ch, mcpt_str text, bool own)
{
    mcpt_span f[MCPT__M_COUNT];
    mcpt_scan scan;
    mcpt_str id, method;
    mcpt_err e;
    char name[64];

    mcpt_scan_init(&scan, mcpt__client_picks, MCPT__M_COUNT, f);
    e = mcpt_scan_feed(&scan, text.ptr, text.len);
    e = e < 0 ? e : mcpt_scan_end(&scan);
    if (e != MCPT_OK) {
        return false;
    }
    id = mcpt__cut(text.ptr, f[MCPT__M_ID]);
    if (f[MCPT__M_METHOD].len != 0) {
        if (!mcpt__raw_text(mcpt__cut(text.ptr, f[MCPT__M_METHOD]), name, sizeof(name), &method)) {
            return false;
        }
        if (id.len != 0 && !mcpt__cl_modern(c)) {
            mcpt__cl_serve(c, ch, id, method, mcpt__cut(text.ptr, f[MCPT__M_PARAMS]));
        } else if (id.len == 0 && c->config->notify != NULL) {
            c->config->notify(c->config->user, method, mcpt__cut(text.ptr, f[MCPT__M_PARAMS]));
        }
        c->due = c->config->env->millis(c->config->env->user) + (c->config->timeout_ms != 0 ? c->config->timeout_ms : 60000u);
        return false;
    }
    if (!own || (id.len != 0 && !mcpt__cl_is_id(id, c->id)) ||
        (f[MCPT__M_RESULT].len == 0 && (f[MCPT__M_ERROR].len == 0 || text.ptr[f[MCPT__M_ERROR].at] != '{'))) {  /* {"error":"word"} is OAuth's */
        return false;
    }
    switch (c->phase) {
    case MCPT__CP_DISCOVER: mcpt__cl_discovered(c, text.ptr, f); break;
    case MCPT__CP_INIT: mcpt__cl_initialized(c, text.ptr, f); break;
    case MCPT__CP_CALL: mcpt__cl_answered(c, text.ptr, f); break;
    default: break;
    }
    return true;
}

/* -- a message that is larger than msg: its envelope is kept, its result goes through */
static bool mcpt__cl_in_pieces(const mcpt_client *c, const mcpt_channel *ch)
{
    return c->pieces != NULL && c->phase == MCPT__CP_CALL && ch->purpose == MCPT__CU_MAIN && ch->link.head.status < 300;
}

static mcpt_err mcpt__cl_piece(mcpt_client *c, const char *text, size_t len)
{
    mcpt_pieces *s = c->pieces;
    const mcpt_span *r = &s->found[MCPT__M_RESULT];
    uint32_t base, from, to;
    mcpt_err e = MCPT_OK;

    if (!s->open) {
        mcpt_keep_init(&s->keep, mcpt__client_picks, MCPT__M_COUNT, s->found, s->buf, sizeof(s->buf));
        s->keep.due = 1u << MCPT__M_ID | 1u << MCPT__M_METHOD | 1u << MCPT__M_TYPE | 1u << MCPT__M_CODE | 1u << MCPT__M_MESSAGE;
        s->keep.optional = 1u << MCPT__M_MESSAGE;
        s->open = true;
        e = s->piece(s->user, NULL, 0);
    }
    base = s->keep.scan.at;
    e = e < 0 ? e : mcpt_keep_feed(&s->keep, text, len);
    from = r->at > base ? r->at - base : 0;
    to = r->len == 0 ? (uint32_t)len : r->at + r->len > base ? r->at + r->len - base : 0;
    if (e >= 0 && r->at != 0 && to > from) {                /* the part of it that is result */
        c->due = c->config->env->millis(c->config->env->user) + (c->config->timeout_ms != 0 ? c->config->timeout_ms : 60000u);
        e = s->piece(s->user, text + from, to - from);
    }
    return e < 0 ? e : MCPT_OK;
}

/* p does not fit into msg: what is there goes, and p. */
static mcpt_err mcpt__cl_overflow(mcpt_client *c, mcpt_channel *ch, mcpt_str p)
{
    mcpt_err e = !mcpt__cl_in_pieces(c, ch) ? MCPT_E_SPACE : ch->msg_len != 0 ? mcpt__cl_piece(c, ch->msg, ch->msg_len) : MCPT_OK;

    ch->msg_len = 0;
    return e == MCPT_OK ? mcpt__cl_piece(c, p.ptr, p.len) : e;
}

/* The last piece. OK: that was the answer, and the call is over; PENDING: it was not; else over with an error. */
static mcpt_err mcpt__cl_pieces_end(mcpt_client *c, const char *text, size_t len)
{
    mcpt_pieces *s = c->pieces;
    mcpt_err e = mcpt__cl_piece(c, text, len);

    e = e == MCPT_OK ? mcpt_keep_end(&s->keep) : e;
    s->open = false;
    if (e == MCPT_OK && (s->found[MCPT__M_METHOD].len != 0 || mcpt_str_is(mcpt_kept(&s->keep, MCPT__M_TYPE), "\"input_required\""))) {
        e = MCPT_E_SPACE;                                   /* what must be understood */
    }
    if (e != MCPT_OK) {
        mcpt__cl_end(c, e);
        return e;
    }
    if ((s->found[MCPT__M_RESULT].len == 0 && s->found[MCPT__M_ERROR].len == 0) ||
        (s->found[MCPT__M_ID].len != 0 && !mcpt__cl_is_id(mcpt_kept(&s->keep, MCPT__M_ID), c->id))) {
        return MCPT_PENDING;
    }
    for (unsigned i = 0; i < MCPT__M_COUNT; i++) {          /* what went by is not in buf */
        s->found[i].len = (s->keep.done >> i & 1u) != 0 || i == MCPT__M_ERROR ? s->found[i].len : 0;
        s->found[i].at = s->found[i].len != 0 ? s->found[i].at : 0;
    }
    mcpt__cl_answered(c, s->buf, s->found);
    c->result.ptr = NULL;
    return MCPT_OK;
}
#endif /* !MCPT_NO_CLIENT */

/* >>client: implementation -------------------------------------------------------------------------------
 * What happens next: on each channel what its purpose says, then on the first one what the phase asks for. */
#if !MCPT_NO_CLIENT
static uint32_t mcpt__cl_now(const mcpt_client *c)
{
    return c->config->env->millis(c->config->env->user);
}

static void mcpt__cl_fail(mcpt_client *c, mcpt_err e)       /* no session */
{
    c->outcome = e;
    c->state = MCPT_CLIENT_FAILED;
}

MCPT_API mcpt_client_state mcpt_client_status(mcpt_client *c)
{
    if (c->state == MCPT_CLIENT_FAILED || c->phase == MCPT__CP_OVER) {
        return c->state == MCPT_CLIENT_FAILED ? MCPT_CLIENT_FAILED : MCPT_CLIENT_CLOSED;
    }
#if !MCPT_NO_OAUTH
    if ((c->flags & MCPT__CF_AUTH) != 0) {
        return mcpt_oauth_next(c->config->oauth) == MCPT_OAUTH_USER ? MCPT_CLIENT_USER : MCPT_CLIENT_BUSY;
    }
#endif
    return c->phase == MCPT__CP_READY ? MCPT_CLIENT_READY : MCPT_CLIENT_BUSY;
}

MCPT_API mcpt_err mcpt_client_send(mcpt_client *c)
{
    mcpt_str text;
    mcpt_err e;

    if ((c->flags & MCPT__CF_BEGUN) == 0 || c->phase != MCPT__CP_READY) {
        return MCPT_E_STATE;
    }
    c->flags &= (uint8_t)~(unsigned)(MCPT__CF_BEGUN | MCPT__CF_VERSION_RETRIED);
    if (c->kind == MCPT__CW_ARGUMENTS) {
        mcpt_end(&c->w);
    }
    mcpt_end(&c->w);
    e = mcpt_w_done(&c->w, &text);
    if (e != MCPT_OK) {
        return e;
    }
    c->inner_len = (uint32_t)text.len;
    e = mcpt__cl_param_lines(c);
    if (e != MCPT_OK) {
        return e;
    }
    if (c->inner + c->inner_len + c->lines_len + 2 > c->req_size) {
        return MCPT_E_SPACE;
    }
    c->result.ptr = c->message.ptr = NULL;
    c->result.len = c->message.len = 0;
    c->code = 0;
    c->retry_after = 0;
    c->phase = MCPT__CP_CALL;
    c->flags |= MCPT__CF_REDO;
    return MCPT_OK;
}

/* -- authorization */
#if !MCPT_NO_OAUTH
static void mcpt__cl_oauth_request(mcpt_client *c)
{
    const mcpt_oauth_http *r = mcpt_oauth_request(c->config->oauth);
    mcpt_channel *ch = c->channels;
    mcpt__text t;
    mcpt_url u, home;

    (void)mcpt_url_split(mcpt_z(c->config->endpoint), &home);
    (void)mcpt_url_split(r->url, &u);
    if (c->nchannels > 1 && !mcpt__same_origin(&u, &home) && mcpt__ch_idle(&ch[1]) && ch[1].io.rx_cap >= ch->io.rx_cap &&
        ch[1].io.tx_cap >= ch->io.tx_cap) {
        ch++;                         /* the connection to the server stays */
    }
    t = mcpt__add_request(ch->link.tx, ch->io.tx_cap, r->method, &u);
    mcpt__add_field(&t, "Accept", mcpt_z("application/json"));
    mcpt__add_field(&t, "Authorization", r->authorization);
    mcpt__add_field(&t, "DPoP", r->dpop);
    if (r->content_type != NULL) {
        mcpt__add_field(&t, "Content-Type", mcpt_z(r->content_type));
    }
    if (mcpt__cl_go(ch, &t, &u, r->content_type != NULL ? r->body : mcpt__mk(NULL, 0))) {
        ch->purpose = MCPT__CU_OAUTH;
        c->due = mcpt__cl_now(c) + 30000u;
    } else {
        mcpt_oauth_done(c->config->oauth, MCPT_E_SPACE);
    }
}

/* Authorization goes first. True: it has a request out, or waits for a person. */
static bool mcpt__cl_authorize(mcpt_client *c)
{
    mcpt_oauth *o = c->config->oauth;

    switch (mcpt_oauth_next(o)) {
    case MCPT_OAUTH_REQUEST:
        mcpt__cl_oauth_request(c);
        return true;
    case MCPT_OAUTH_USER:
    case MCPT_OAUTH_WAIT:
        return true;
    case MCPT_OAUTH_FAILED:
        c->flags &= (uint8_t)~(unsigned)MCPT__CF_AUTH;
        mcpt__cl_end(c, mcpt_oauth_error(o));
        return true;
    default:
        c->flags &= (uint8_t)~(unsigned)MCPT__CF_AUTH;
        return false;
    }
}

/* 401 or 403 on the MCP endpoint. True: it is dealt with, and the request is to be sent again afterwards. */
static bool mcpt__cl_refused(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_str fields[4], name, value;
    uint32_t it = 0;
    size_t n = 0;
    mcpt_err e;

    if (c->config->oauth == NULL) {
        return false;
    }
    while (n < 4 && mcpt_head_next(&ch->link.head, ch->io.rx, &it, &name, &value)) {
        if (mcpt_str_ieq(name, "www-authenticate")) {
            fields[n++] = value;
        }
    }
    e = mcpt_oauth_refused(c->config->oauth, ch->link.head.status, fields, n, mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_DPOP_NONCE), (c->flags & MCPT__CF_SENT_TOKEN) != 0);
    if (e == MCPT_OK || e == MCPT_PENDING) {
        c->flags |= MCPT__CF_AUTH | MCPT__CF_REDO;
        return true;
    }
    c->outcome = e;
    return false;
}
#endif

/* -- what a response head and body mean for their purpose */
static void mcpt__cl_on_head(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_str type = mcpt__media_type(mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_CONTENT_TYPE)), id;
    const bool good = ch->link.head.status >= 200 && ch->link.head.status < 300;
    const int32_t seconds = mcpt__seconds(mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_RETRY_AFTER));
    size_t i;

    if (mcpt_str_ieq(type, "text/event-stream") && good) {
        ch->flags |= MCPT__CH_SSE;
    } else if (mcpt_str_ieq(type, "application/json")) {
        ch->flags |= MCPT__CH_JSON;
    }
    c->outcome = c->phase == MCPT__CP_CANCEL ? c->outcome : MCPT_OK;
    c->retry_after = ch != c->channels ? c->retry_after : seconds > 0 ? (uint32_t)seconds : 0;
#if !MCPT_NO_OAUTH
    if (ch->purpose == MCPT__CU_OAUTH) {
        mcpt_oauth_head(c->config->oauth, ch->link.head.status, c->retry_after, mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_DPOP_NONCE));
        return;
    }
    if (ch->purpose == MCPT__CU_MAIN && c->phase != MCPT__CP_LEAVE && (ch->link.head.status == 401 || ch->link.head.status == 403) && mcpt__cl_refused(c, ch)) {
        return;
    }
    if (ch->purpose == MCPT__CU_MAIN && c->config->oauth != NULL && ch->link.head.status != 401 && ch->link.head.status != 403) {
        mcpt_oauth_accepted(c->config->oauth, mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_DPOP_NONCE));
    }
#endif
    if (ch->purpose == MCPT__CU_MAIN && c->phase == MCPT__CP_INIT && good) {
        id = mcpt_head_get(&ch->link.head, ch->io.rx, MCPT_F_MCP_SESSION_ID);
        c->session_len = 0;
        for (i = 0; i < id.len && id.ptr[i] > ' ' && id.ptr[i] <= '~'; i++) {
        }
        if (id.len != 0 && i == id.len && id.len <= sizeof(c->session)) {
            MCPT_MEMCPY(c->session, id.ptr, id.len);
            c->session_len = (uint8_t)id.len;
        }
    }
    if (ch->purpose == MCPT__CU_LISTEN && c->phase == MCPT__CP_LISTEN) {
        c->phase = MCPT__CP_READY;                          /* the stream is there, or there will be none */
    }
    if (ch->purpose == MCPT__CU_MAIN && c->pieces != NULL) {
        c->pieces->open = false;
    }
    if ((ch->flags & MCPT__CH_SSE) != 0) {
        char *kept = ch->event_id;
        size_t len = ch->sse.id_len;                        /* a resumed stream goes on with the last id */
        uint32_t retry = ch->sse.retry;
        mcpt_sse_init(&ch->sse, ch->msg, ch->msg_size, kept, sizeof(ch->event_id));
        ch->sse.retry = retry;
        ch->sse.pieces = mcpt__cl_in_pieces(c, ch);
        if ((c->flags & MCPT__CF_RESUME) != 0 || ch->purpose == MCPT__CU_LISTEN) {
            ch->sse.id_len = len;
        }
        c->flags &= (uint8_t)~(unsigned)MCPT__CF_RESUME;
    }
}

static void mcpt__cl_on_body(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_str p = ch->link.body;

#if !MCPT_NO_OAUTH
    if (ch->purpose == MCPT__CU_OAUTH) {
        (void)mcpt_oauth_body(c->config->oauth, p.ptr, p.len);             /* an error sticks, and done() tells it */
        return;
    }
#endif
    while ((ch->flags & MCPT__CH_SSE) != 0 && p.len != 0) {
        size_t used = 0;
        bool answered;
        mcpt_err e;
        if (!mcpt__cl_modern(c) && c->nchannels > 1 && mcpt__cl_answer_channel(c, ch) == NULL) {
            ch->link.body = p;                              /* the event may be a question, and an answer is still on its way */
            ch->flags |= MCPT__CH_HELD;
            return;
        }
        e = mcpt_sse_feed(&ch->sse, p.ptr, p.len, &used);
        p = mcpt__mk(p.ptr + used, p.len - used);
        if (e == MCPT_MORE || (e == MCPT_OK && ch->sse.pieces && c->pieces->open)) {
            answered = e == MCPT_OK;
            e = answered ? mcpt__cl_pieces_end(c, ch->sse.buf, ch->sse.len) : mcpt__cl_piece(c, ch->sse.buf, ch->sse.len);
            answered = answered && e == MCPT_OK;
        } else {
            answered = e == MCPT_OK && mcpt__cl_message(c, ch, mcpt__mk(ch->sse.buf, ch->sse.len), ch->purpose == MCPT__CU_MAIN);
        }
        if (answered) {
            ch->purpose = MCPT__CU_NONE;                    /* the result lies in msg; nothing after it counts */
            ch->flags &= (uint8_t)~(unsigned)(MCPT__CH_SSE | MCPT__CH_JSON);
            ch->retry_at = mcpt__cl_now(c) + 200u;          /* the stream should end now, and the connection serve again */
            return;
        }
        if (e < 0) {
            mcpt__ch_drop(ch);
            mcpt__cl_end(c, e);
            return;
        }
    }
    if ((ch->flags & MCPT__CH_JSON) == 0 || ch->purpose != MCPT__CU_MAIN || (c->flags & MCPT__CF_AUTH) != 0) {
        return;                                             /* an error page, or what nobody waits for */
    }
    if (p.len > ch->msg_size - ch->msg_len) {
        mcpt_err e = mcpt__cl_overflow(c, ch, p);
        if (e != MCPT_OK) {
            mcpt__ch_drop(ch);
            mcpt__cl_end(c, e);
        }
        return;
    }
    MCPT_MEMCPY(ch->msg + ch->msg_len, p.ptr, p.len);
    ch->msg_len += (uint32_t)p.len;
}

/* The main channel's response is complete and was no answer: its status must tell. */
static void mcpt__cl_by_status(mcpt_client *c, mcpt_channel *ch)
{
    const unsigned status = ch->link.head.status;

    c->code = status;
    if (c->phase == MCPT__CP_DISCOVER) {
        if (status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 429) {
            c->phase = MCPT__CP_INIT;                       /* no era evidence but that of an old server */
        } else if (status < 300) {
            c->phase = MCPT__CP_INIT;
        } else {
            mcpt__cl_fail(c, c->outcome != MCPT_OK ? c->outcome : MCPT_E_STATUS);
        }
    } else if (c->phase == MCPT__CP_TOLD) {
        if (status < 300) {
            c->phase = mcpt__cl_http(c) && c->nchannels > 2 ? MCPT__CP_LISTEN : MCPT__CP_READY;
        } else {
            mcpt__cl_fail(c, MCPT_E_STATUS);
        }
    } else if (c->phase == MCPT__CP_CANCEL) {
        c->phase = MCPT__CP_READY;
    } else if (c->phase == MCPT__CP_LEAVE) {
        c->session_len = 0;
    } else if (c->phase == MCPT__CP_CALL && status == 404 && c->session_len != 0) {
        c->session_len = 0;                                 /* the session has ended: another, then the call again */
        c->phase = MCPT__CP_INIT;
        c->flags |= MCPT__CF_AGAIN;
    } else {
        mcpt__cl_end(c, c->outcome != MCPT_OK ? c->outcome : status == 401 ? MCPT_E_UNAUTHORIZED : status < 300 ? MCPT_E_RPC : MCPT_E_STATUS);
    }
}

static void mcpt__cl_on_end(mcpt_client *c, mcpt_channel *ch)
{
    const unsigned purpose = ch->purpose;

    ch->purpose = MCPT__CU_NONE;
#if !MCPT_NO_OAUTH
    if (purpose == MCPT__CU_OAUTH) {
        mcpt_oauth_done(c->config->oauth, MCPT_OK);
        return;
    }
#endif
    if (purpose == MCPT__CU_LISTEN) {
        const unsigned status = ch->link.head.status;
        const bool passes = status == 401 || status == 408 || status == 429 || status >= 500;      /* the next call renews the token */
        ch->retry_at = mcpt__cl_now(c) + (passes ? 60000u : ch->sse.retry != (uint32_t)-1 ? ch->sse.retry : 3000u);
        ch->flags = (uint8_t)(status == 200 && (ch->flags & MCPT__CH_SSE) != 0 ? ch->flags : ch->flags & ~(unsigned)MCPT__CH_SSE);
        c->flags = (uint8_t)(status == 200 || passes ? c->flags : c->flags & ~(unsigned)MCPT__CF_LISTENING);
        return;
    }
    if (purpose != MCPT__CU_MAIN || (c->flags & MCPT__CF_AUTH) != 0) {
        return;
    }
    if ((ch->flags & MCPT__CH_SSE) != 0) {                  /* the stream ended before the answer */
        if (!mcpt__cl_modern(c) && ch->sse.id_len != 0 && c->phase == MCPT__CP_CALL) {
            c->flags |= MCPT__CF_RESUME;
            ch->retry_at = mcpt__cl_now(c) + (ch->sse.retry != (uint32_t)-1 ? ch->sse.retry : 1000u);
        } else {
            mcpt__cl_end(c, MCPT_E_IO);
        }
        return;
    }
    if (c->pieces != NULL && c->pieces->open) {
        if (mcpt__cl_pieces_end(c, ch->msg, ch->msg_len) == MCPT_PENDING) {
            mcpt__cl_end(c, MCPT_E_RPC);
        }
        return;
    }
    if (c->phase == MCPT__CP_TOLD || c->phase == MCPT__CP_CANCEL || c->phase == MCPT__CP_LEAVE || ch->msg_len == 0 ||
        (c->phase == MCPT__CP_CALL && ch->link.head.status == 404 && c->session_len != 0) ||
        !mcpt__cl_message(c, ch, mcpt__mk(ch->msg, ch->msg_len), true)) {
        mcpt__cl_by_status(c, ch);
    }
}

static void mcpt__cl_on_fail(mcpt_client *c, mcpt_channel *ch, unsigned purpose)
{
    const mcpt_err e = ch->io.err == MCPT_E_CLOSED ? MCPT_E_IO : ch->io.err == MCPT_E_LIMIT ? MCPT_E_SPACE : ch->io.err;

#if !MCPT_NO_OAUTH
    if (purpose == MCPT__CU_OAUTH) {
        mcpt_oauth_done(c->config->oauth, e);
        return;
    }
#endif
    if (purpose == MCPT__CU_LISTEN) {
        ch->retry_at = mcpt__cl_now(c) + 3000u;
        c->phase = c->phase == MCPT__CP_LISTEN ? (uint8_t)MCPT__CP_READY : c->phase;
    } else if (purpose == MCPT__CU_MAIN && (ch->flags & MCPT__CH_SSE) != 0 && !mcpt__cl_modern(c) && ch->sse.id_len != 0 &&
               c->phase == MCPT__CP_CALL) {
        c->flags |= MCPT__CF_RESUME;
        ch->retry_at = mcpt__cl_now(c) + (ch->sse.retry != (uint32_t)-1 ? ch->sse.retry : 1000u);
    } else if (purpose == MCPT__CU_MAIN) {
        c->session_len = 0;
        if (c->phase != MCPT__CP_LEAVE) {
            mcpt__cl_end(c, e);
        }
    }
}

/* -- what to say next */
static bool mcpt__cl_get_stream(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_url u;
    mcpt__text t;

    (void)mcpt_url_split(mcpt_z(c->config->endpoint), &u);
    t = mcpt__add_request(ch->link.tx, ch->io.tx_cap, "GET", &u);
    mcpt__add_field(&t, "Accept", mcpt_z("text/event-stream"));
    mcpt__cl_common(c, &t, "GET");
    if (ch->sse.id_len != 0) {
        mcpt__add_field(&t, "Last-Event-ID", mcpt__mk(ch->sse.id, ch->sse.id_len));
    }
    return mcpt__cl_go(ch, &t, &u, mcpt__mk(NULL, 0));
}

static bool mcpt__cl_initialize(mcpt_client *c, mcpt_channel *ch)
{
    const mcpt_client_config *config = c->config;
    const unsigned r = config->revision != 0 && config->revision < MCPT_2026_07_28 ? (unsigned)config->revision : (unsigned)MCPT_2025_11_25;
    char text[512];
    mcpt_writer w;
    mcpt_str inside;

    c->revision = (uint8_t)r;
    mcpt_w_init(&w, text, sizeof(text));
    mcpt_obj(&w);
    mcpt_kv_z(&w, "protocolVersion", mcpt__nth(mcpt__revisions, r - 1u));
    mcpt_key(&w, "capabilities");
    mcpt__cl_put_caps(&w, mcpt__cl_can(c) & ~(unsigned)MCPT_CAN_TASKS);
    mcpt_key(&w, "clientInfo");
    mcpt__cl_put_info(&w, config);
    mcpt_end(&w);
    if (mcpt_w_done(&w, &inside) != MCPT_OK) {
        return false;
    }
    return mcpt__cl_own(c, ch, "initialize", ++c->id, mcpt__mk(inside.ptr + 1, inside.len - 2), ch->msg, ch->msg_size);
}

static bool mcpt__cl_delete(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_url u;
    mcpt__text t;

    (void)mcpt_url_split(mcpt_z(c->config->endpoint), &u);
    t = mcpt__add_request(ch->link.tx, ch->io.tx_cap, "DELETE", &u);
    mcpt__cl_common(c, &t, "DELETE");
    return mcpt__cl_go(ch, &t, &u, mcpt__mk(NULL, 0));
}

static bool mcpt__cl_notify_cancel(mcpt_client *c, mcpt_channel *ch)
{
    char buf[32], digits[10];
    mcpt__text t = mcpt__text_on(buf, sizeof(buf));

    mcpt__addz(&t, "\"requestId\":");
    mcpt__add(&t, mcpt__digits(digits, c->id));
    return mcpt__cl_own(c, ch, "notifications/cancelled", 0, mcpt__since(&t, buf), ch->msg, ch->msg_size);
}

/* Leaves what a channel is doing; authorization is told, for its request is gone. */
static void mcpt__cl_leave(mcpt_client *c, mcpt_channel *ch, mcpt_err e)
{
    const unsigned purpose = ch->purpose;

    mcpt__ch_drop(ch);
#if !MCPT_NO_OAUTH
    if (purpose == MCPT__CU_OAUTH) {
        mcpt_oauth_done(c->config->oauth, e);
    }
#else
    (void)purpose;
    (void)c;
    (void)e;
#endif
}

/* The first channel is free: what does the phase ask for? The library's own messages are built in its msg. */
static void mcpt__cl_next(mcpt_client *c)
{
    mcpt_channel *ch = &c->channels[0];
    const mcpt_str none = mcpt__mk(NULL, 0);
    bool ok = true, sent = true;

#if !MCPT_NO_OAUTH
    if (c->config->oauth != NULL && c->phase != MCPT__CP_OVER &&
        ((c->flags & MCPT__CF_AUTH) != 0 || ((c->phase == MCPT__CP_CALL || c->phase <= MCPT__CP_INIT) &&
         (mcpt_oauth_next(c->config->oauth) == MCPT_OAUTH_REQUEST || mcpt_oauth_next(c->config->oauth) == MCPT_OAUTH_WAIT)))) {
        c->flags |= MCPT__CF_AUTH;
        if (mcpt__cl_authorize(c)) {
            return;
        }
    }
#endif
    switch (c->phase) {
    case MCPT__CP_DISCOVER:
        ok = mcpt__cl_own(c, ch, "server/discover", ++c->id, none, ch->msg, ch->msg_size);
        break;
    case MCPT__CP_INIT:
        ok = mcpt__cl_initialize(c, ch);
        break;
    case MCPT__CP_TOLD:
        ok = mcpt__cl_own(c, ch, "notifications/initialized", 0, none, ch->msg, ch->msg_size);
        if (!mcpt__cl_http(c)) {
            c->phase = MCPT__CP_READY;
            sent = false;
        }
        break;
    case MCPT__CP_READY:
        if ((c->flags & MCPT__CF_AGAIN) != 0) {             /* the call whose session was lost */
            c->flags = (uint8_t)((c->flags & ~(unsigned)MCPT__CF_AGAIN) | MCPT__CF_REDO);
            c->phase = MCPT__CP_CALL;
        }
        return;
    case MCPT__CP_CALL:
        if ((c->flags & MCPT__CF_RESUME) != 0) {
            if ((int32_t)(mcpt__cl_now(c) - ch->retry_at) < 0) {
                return;
            }
            ok = mcpt__cl_get_stream(c, ch);
        } else if ((c->flags & MCPT__CF_REDO) != 0) {
            ok = mcpt__cl_send_call(c);
        } else {
            return;
        }
        break;
    case MCPT__CP_CANCEL:
        ok = mcpt__cl_notify_cancel(c, ch);
        if (!mcpt__cl_http(c)) {
            c->phase = MCPT__CP_READY;
            sent = false;
        }
        break;
    case MCPT__CP_LEAVE:
        if (mcpt__cl_http(c) && c->session_len != 0) {
            ok = mcpt__cl_delete(c, ch);
            break;
        }
#if !MCPT_NO_OAUTH
        if (c->config->oauth != NULL && mcpt_oauth_request(c->config->oauth) != NULL) {     /* of a log-out */
            mcpt__cl_oauth_request(c);
            return;
        }
#endif
        c->phase = MCPT__CP_OVER;
        return;
    default:
        return;
    }
    c->flags &= (uint8_t)~(unsigned)MCPT__CF_REDO;
    if (!ok) {
        mcpt__cl_end(c, MCPT_E_SPACE);
    } else if (sent) {
        ch->purpose = MCPT__CU_MAIN;
        c->due = mcpt__cl_now(c) + (c->phase == MCPT__CP_DISCOVER && !mcpt__cl_http(c) ? 5000u :
                                    c->config->timeout_ms != 0 ? c->config->timeout_ms : 60000u);
    }
}

/* The legacy server's own stream, on the last channel of three. */
static void mcpt__cl_listen(mcpt_client *c)
{
    mcpt_channel *ch = &c->channels[c->nchannels - 1];
    const bool first = c->phase == MCPT__CP_LISTEN && (c->flags & MCPT__CF_LISTENING) == 0;

    if (c->nchannels < 3 || !mcpt__ch_idle(ch) || c->phase < MCPT__CP_LISTEN || c->phase >= MCPT__CP_LEAVE || mcpt__cl_modern(c)) {
        return;
    }
    if (first || ((c->flags & MCPT__CF_LISTENING) != 0 && (int32_t)(mcpt__cl_now(c) - ch->retry_at) >= 0)) {
        c->flags |= MCPT__CF_LISTENING;
        if (mcpt__cl_get_stream(c, ch)) {
            ch->purpose = MCPT__CU_LISTEN;
        } else {
            c->flags &= (uint8_t)~(unsigned)MCPT__CF_LISTENING;
            c->phase = c->phase == MCPT__CP_LISTEN ? (uint8_t)MCPT__CP_READY : c->phase;
        }
    }
}

/* The channel of the request in work: authorization may have the second. */
static mcpt_channel *mcpt__cl_at_work(const mcpt_client *c)
{
    return &c->channels[c->nchannels > 1 && c->channels[1].purpose == MCPT__CU_OAUTH];
}

static void mcpt__cl_timeout(mcpt_client *c)
{
    mcpt_channel *ch = mcpt__cl_at_work(c);

    if ((ch->purpose != MCPT__CU_MAIN && ch->purpose != MCPT__CU_OAUTH) || (int32_t)(mcpt__cl_now(c) - c->due) < 0) {
        return;
    }
    if (ch->purpose == MCPT__CU_OAUTH) {
        mcpt__cl_leave(c, ch, MCPT_E_TIMEOUT);
    } else if (c->phase == MCPT__CP_CALL) {
        mcpt_client_cancel(c);
        c->outcome = MCPT_E_TIMEOUT;
    } else if (c->phase == MCPT__CP_DISCOVER && !mcpt__cl_http(c)) {        /* an old server that says nothing to it */
        ch->purpose = MCPT__CU_NONE;
        c->phase = MCPT__CP_INIT;
    } else {
        mcpt__ch_drop(ch);
        c->session_len = 0;
        if (c->phase != MCPT__CP_LEAVE) {
            mcpt__cl_end(c, MCPT_E_TIMEOUT);
        }
    }
}

/* Lines are collected in msg, behind a result that lies there until the next call (used). One that is too long is passed
 * over. */
static void mcpt__cl_lines(mcpt_client *c, mcpt_channel *ch)
{
    mcpt_io *io = &ch->io;

    if (io->tx_at == io->tx_len) {
        io->tx_at = io->tx_len = 0;
    }
    if (c->phase == MCPT__CP_CALL && ch->purpose == MCPT__CU_NONE) {
        ch->link.used = 0;
    }
    while (io->tx_len == 0 && io->rx_len != 0) {
        const char *nl = (const char *)MCPT_MEMCHR(io->rx, '\n', io->rx_len);
        size_t n = nl != NULL ? (size_t)(nl - io->rx) : io->rx_len, room = ch->msg_size - ch->link.used - ch->msg_len;
        char *line = ch->msg + ch->link.used;
        mcpt_err e;
        if (n <= room && (ch->flags & MCPT__CH_LONG) == 0) {
            MCPT_MEMCPY(line + ch->msg_len, io->rx, n);
            ch->msg_len += (uint32_t)n;
        } else if ((ch->flags & MCPT__CH_LONG) == 0) {
            e = mcpt__cl_overflow(c, ch, mcpt__mk(io->rx, n));
            ch->flags |= e != MCPT_OK ? (uint8_t)MCPT__CH_LONG : (uint8_t)0;
            if (e != MCPT_OK && ch->purpose == MCPT__CU_MAIN) {             /* perhaps the answer */
                ch->purpose = MCPT__CU_NONE;
                mcpt__cl_end(c, e);
            }
        }
        n += nl != NULL ? 1u : 0u;
        io->rx_len -= (uint32_t)n;
        MCPT_MEMMOVE(io->rx, io->rx + n, io->rx_len);
        if (nl == NULL) {
            break;
        }
        n = ch->msg_len;
        ch->msg_len = 0;
        n -= n != 0 && line[n - 1] == '\r' ? 1u : 0u;
        if ((ch->flags & MCPT__CH_LONG) != 0) {
            ch->flags &= (uint8_t)~(unsigned)MCPT__CH_LONG;
        } else if (mcpt__cl_in_pieces(c, ch) && c->pieces->open) {
            e = mcpt__cl_pieces_end(c, line, n);
            if (e != MCPT_PENDING) {
                ch->purpose = MCPT__CU_NONE;
                return;
            }
        } else if (n != 0 && mcpt__cl_message(c, ch, mcpt__mk(line, n), ch->purpose == MCPT__CU_MAIN)) {
            ch->purpose = MCPT__CU_NONE;
            ch->link.used = (uint32_t)n;
            return;
        }
    }
    if (io->eof && c->state != MCPT_CLIENT_FAILED && c->phase != MCPT__CP_OVER) {
        mcpt__cl_fail(c, MCPT_E_CLOSED);
    }
}

static void mcpt__cl_pump(mcpt_client *c)
{
    mcpt_channel *ch;
    bool again = true;
    unsigned i;

    while (again && c->state != MCPT_CLIENT_FAILED && c->phase != MCPT__CP_OVER) {
        again = false;
        for (i = 0; i < c->nchannels && mcpt__cl_http(c); i++) {
            const unsigned purpose = c->channels[i].purpose;
            const bool held = (c->channels[i].flags & MCPT__CH_HELD) != 0 && mcpt__cl_answer_channel(c, &c->channels[i]) == NULL;
            const unsigned ev = held ? (unsigned)MCPT__EV_NONE : mcpt__ch_step(&c->channels[i]);
            ch = &c->channels[i];
            again = again || ev != MCPT__EV_NONE;
            switch (ev) {
            case MCPT__EV_HEAD: mcpt__cl_on_head(c, ch); break;
            case MCPT__EV_BODY: mcpt__cl_on_body(c, ch); break;
            case MCPT__EV_END: mcpt__cl_on_end(c, ch); break;
            case MCPT__EV_FAIL: mcpt__cl_on_fail(c, ch, purpose); break;
            default: break;
            }
        }
        if (!mcpt__cl_http(c)) {
            mcpt__cl_lines(c, &c->channels[0]);
        }
        mcpt__cl_timeout(c);
        ch = mcpt__cl_at_work(c);
        if (mcpt__cl_http(c) && ch->purpose == MCPT__CU_NONE && ch->link.state != MCPT__LK_FREE && (int32_t)(mcpt__cl_now(c) - ch->retry_at) >= 0) {
            mcpt__ch_drop(ch);
        }
        if (mcpt__ch_idle(ch) && ch->io.tx_at == ch->io.tx_len) {
            unsigned phase = c->phase;
            mcpt__cl_next(c);
            again = again || c->phase != phase;
        }
        if (mcpt__cl_http(c)) {
            mcpt__cl_listen(c);
        }
    }
}

static unsigned mcpt__client_run(mcpt_io *io)
{
    mcpt_channel *ch = (mcpt_channel *)io;
    mcpt_client *c = ch->client;

    mcpt__cl_pump(c);
    if (c->state == MCPT_CLIENT_FAILED || c->phase == MCPT__CP_OVER) {
        io->want = MCPT_CLOSED;
    } else {
        io->want = (uint8_t)mcpt__ch_want(ch);
    }
    return io->want;
}

MCPT_API mcpt_err mcpt_client_init(mcpt_client *c, const mcpt_client_config *config, mcpt_channel *channels, size_t nchannels,
                                   void *request, size_t request_size, mcpt_tok *tok, size_t ntok)
{
    mcpt_url u;
    size_t i;

    MCPT_MEMSET(c, 0, sizeof(*c));
    c->config = config;
    c->channels = channels;
    c->nchannels = (uint8_t)(nchannels < 3 ? nchannels : 3);
    c->req = (char *)request;
    c->req_size = (uint32_t)request_size;
    c->tok = tok;
    c->ntok = (uint32_t)ntok;
    if (config->env == NULL || config->env->millis == NULL || config->name == NULL || config->version == NULL || nchannels == 0 ||
        request_size > 0x7fffffff || (config->endpoint != NULL && (!mcpt_url_split(mcpt_z(config->endpoint), &u) ||
                                      (!mcpt_str_ieq(u.scheme, "https") && !mcpt_str_ieq(u.scheme, "http"))))) {
        return MCPT_E_ARG;
    }
    for (i = 0; i < c->nchannels; i++) {
        mcpt_channel *ch = &channels[i];
        if (ch->io.rx_cap < 512 || ch->io.tx_cap < 512 || ch->msg_size < 64) {
            return MCPT_E_ARG;
        }
        ch->client = c;
        ch->io.run = mcpt__client_run;
        mcpt_sse_init(&ch->sse, ch->msg, ch->msg_size, ch->event_id, sizeof(ch->event_id));
        ch->link.flags = config->endpoint == NULL ? (uint8_t)MCPT__LK_UP : (uint8_t)0;
        ch->io.want = config->endpoint == NULL ? MCPT_WANT_RX : 0;
    }
    c->revision = config->revision == MCPT_2026_07_28 ? (uint8_t)MCPT_2026_07_28 : 0;
    c->phase = config->revision == MCPT_2026_07_28 ? MCPT__CP_READY : config->revision != 0 ? MCPT__CP_INIT : MCPT__CP_DISCOVER;
    return MCPT_OK;
}

MCPT_API bool mcpt_channel_foreign(const mcpt_channel *ch)
{
    const mcpt_origin *o = &ch->link.origin;
    mcpt_url u;

    if (!mcpt_url_split(mcpt_z(ch->client->config->endpoint), &u)) {
        return true;
    }
    u.host = u.host.ptr[0] == '[' ? mcpt__mk(u.host.ptr + 1, u.host.len - 2) : u.host;
    return mcpt__url_port(&u) != o->port || !mcpt_str_ieq(u.host, o->host);
}

MCPT_API uint32_t mcpt_client_due(const mcpt_client *c)
{
    const uint32_t now = mcpt__cl_now(c);
    uint32_t due = (uint32_t)-1, left;
    unsigned i;

#if !MCPT_NO_OAUTH
    if (c->config->oauth != NULL && (c->flags & MCPT__CF_AUTH) != 0) {
        due = mcpt_oauth_due(c->config->oauth);
    }
#endif
    for (i = 0; i < c->nchannels; i++) {
        const mcpt_channel *ch = &c->channels[i];
        const bool retry = ch->purpose == MCPT__CU_NONE && (i == 0 ? (c->flags & MCPT__CF_RESUME) != 0 :
                           i == 2u && (c->flags & MCPT__CF_LISTENING) != 0);
        const bool ends = i == 0 && ch->purpose == MCPT__CU_NONE && ch->link.state != MCPT__LK_FREE;
        if (retry || ends || ch->purpose == MCPT__CU_MAIN || ch->purpose == MCPT__CU_OAUTH) {
            left = (retry || ends ? ch->retry_at : c->due) - now;
            left = (int32_t)left > 0 ? left : 0;
            due = left < due ? left : due;
        }
    }
    return due;
}

MCPT_API void mcpt_client_cancel(mcpt_client *c)
{
    mcpt_channel *ch = &c->channels[0];

    if (c->phase != MCPT__CP_CALL) {
        return;
    }
    c->flags &= (uint8_t)~(unsigned)(MCPT__CF_RESUME | MCPT__CF_REDO | MCPT__CF_AUTH);
    if (mcpt__cl_http(c)) {
        mcpt__cl_leave(c, mcpt__cl_at_work(c), MCPT_E_CANCELLED);           /* 2026-07-28: closing the stream is the cancellation */
    } else {
        ch->purpose = MCPT__CU_NONE;
        ch->flags |= c->pieces != NULL && c->pieces->open ? (uint8_t)MCPT__CH_LONG : (uint8_t)0;    /* the rest of that line */
    }
    c->outcome = MCPT_E_CANCELLED;
    c->phase = mcpt__cl_http(c) && mcpt__cl_modern(c) ? MCPT__CP_READY : MCPT__CP_CANCEL;
}

MCPT_API void mcpt_client_close(mcpt_client *c)
{
    unsigned i;

    for (i = 0; i < c->nchannels && mcpt__cl_http(c); i++) {
        if (c->channels[i].link.state != MCPT__LK_FREE) {
            mcpt__cl_leave(c, &c->channels[i], MCPT_E_CANCELLED);
        }
    }
    c->flags = 0;
    if (c->phase <= MCPT__CP_INIT || c->phase == MCPT__CP_OVER || c->state == MCPT_CLIENT_FAILED) {
        c->session_len = 0;
    }
    c->phase = MCPT__CP_LEAVE;
    c->state = 0;
}

MCPT_API mcpt_err mcpt_client_outcome(const mcpt_client *c)
{
    return c->outcome;
}

MCPT_API mcpt_str mcpt_client_result(const mcpt_client *c)
{
    return c->outcome == MCPT_OK ? c->result : mcpt__mk(NULL, 0);
}

MCPT_API mcpt_val mcpt_client_value(mcpt_client *c)
{
    mcpt_val none;

    none.doc = NULL;
    none.at = 0;
    return mcpt_client_result(c).len != 0 && mcpt_parse(&c->doc, c->result, c->tok, c->ntok) == MCPT_OK ? mcpt_root(&c->doc) : none;
}

MCPT_API mcpt_str mcpt_client_fault(const mcpt_client *c, int64_t *code)
{
    if (code != NULL) {
        *code = c->code;
    }
    return c->message;
}

MCPT_API uint32_t mcpt_client_retry_after(const mcpt_client *c)
{
    return c->retry_after;
}

MCPT_API mcpt_revision mcpt_client_revision(const mcpt_client *c)
{
    return c->phase > MCPT__CP_INIT ? (mcpt_revision)c->revision : (mcpt_revision)0;
}
#endif /* !MCPT_NO_CLIENT */

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
#endif /* MCPTOOLS_IMPLEMENTED */
#endif /* MCPTOOLS_IMPLEMENTATION */

/* HISTORY
   0.1.0  first release: server for four protocol revisions, HTTP and lines.

   LICENCE (MIT)
   Copyright (c) 2026 the mcptools authors

   Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
   documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
   rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
   permit persons to whom the Software is furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in all copies or substantial portions of
   the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
   WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
   COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
   OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE. */
