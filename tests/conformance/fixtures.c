/* The fixtures of the official conformance suite. Every handler is what a device's handler would be: nothing
 * here knows revisions or transports. Without POSIX, without an allocator. */
#include "fixtures.h"

#include <string.h>

/* A red pixel, and eight samples of silence. */
static const uint8_t png[] = {
    0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 1, 0, 0, 0, 1,
    8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, 'I', 'D', 'A', 'T', 0x08, 0xd7, 0x63, 0xf8, 0xcf,
    0xc0, 0, 0, 0x03, 0x01, 0x01, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42,
    0x60, 0x82
};
static const uint8_t wav[] = {
    'R', 'I', 'F', 'F', 44, 0, 0, 0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16, 0, 0, 0, 1, 0, 1, 0,
    0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 'd', 'a', 't', 'a', 8, 0, 0, 0, 128, 128, 128, 128,
    128, 128, 128, 128
};
static const char static_text[] = "This is the content of the static text resource.";

/* ------------------------------------------------------------------------------------------ small helpers */

#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define REQUIRE(properties, names) \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" names "]}"
#define STRING(name, description) "\"" name "\":{\"type\":\"string\",\"description\":\"" description "\"}"

/* A text block: lead, the string v, tail. */
static mcpt_err say(mcpt_writer *out, const char *lead, mcpt_val v, const char *tail)
{
    char buf[256];
    mcpt_str s = mcpt_z("");
    mcpt_err e = mcpt_get_str(v, buf, sizeof buf, &s);
    if (e != MCPT_OK && e != MCPT_E_ABSENT) {
        return mcpt_fail(out, "the text is not a string of at most 256 bytes");
    }
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z(lead));
    mcpt_str_add(out, s);
    mcpt_str_add(out, mcpt_z(tail));
    mcpt_text_end(out);
    return MCPT_OK;
}

/* Of two results the one to return first: a failure, then what is pending. */
static mcpt_err first_of(mcpt_err a, mcpt_err b)
{
    if (a < 0 || b < 0) {
        return a < 0 ? a : b;
    }
    return a != MCPT_OK ? a : b;
}

/* How long this call has been at it. Kept in the bytes a call carries from run to run. */
static uint32_t elapsed_ms(mcpt_call *call)
{
    const mcpt_env *env = call->server->env;
    uint32_t now = env->millis(env->user), since;
    if (call->scratch[0] == 0) {
        call->scratch[0] = 1;
        memcpy(call->scratch + 4, &now, sizeof now);
    }
    memcpy(&since, call->scratch + 4, sizeof since);
    return now - since;
}

/* PENDING until ms have passed since the first time it was called in this call. */
static mcpt_err wait_ms(mcpt_call *call, uint32_t ms)
{
    uint32_t gone = elapsed_ms(call);
    if (call->cancelled || gone >= ms) {
        return MCPT_OK;
    }
    mcpt_retry_after(call, ms - gone);
    return MCPT_PENDING;
}

static mcpt_hub *hub_of(const mcpt_call *call)
{
    return (mcpt_hub *)call->server->user;
}

/* ------------------------------------------------------------------------------------- content of results */

static mcpt_err simple_text(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_text_z(out, "This is a simple text response for testing.");
    return MCPT_OK;
}

/* The text is passed on as it came, escapes and all: no buffer, no limit but the answer's. */
static mcpt_err echo(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    mcpt_content(out);
    mcpt_kv_z(out, "type", "text");
    mcpt_kv_raw(out, "text", mcpt_raw(mcpt_get(args, "text")));
    mcpt_end(out);
    return MCPT_OK;
}

static mcpt_err image_content(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_image(out, "image/png", png, sizeof png);
    return MCPT_OK;
}

static mcpt_err audio_content(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_audio(out, "audio/wav", wav, sizeof wav);
    return MCPT_OK;
}

static mcpt_err embedded_resource(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_embedded_text(out, mcpt_z("test://embedded-resource"), "text/plain",
                       mcpt_z("This is an embedded resource."));
    return MCPT_OK;
}

static mcpt_err multiple_content(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_text_z(out, "Multiple content types test:");
    mcpt_image(out, "image/png", png, sizeof png);
    mcpt_embedded_text(out, mcpt_z("test://mixed-content-resource"), "application/json",
                       mcpt_z("{\"test\":\"data\",\"value\":123}"));
    return MCPT_OK;
}

static mcpt_err error_handling(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    return mcpt_fail(out, "This tool intentionally returns an error for testing");
}

static mcpt_err x_mcp_header(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    return say(out, "Region: ", mcpt_get(args, "region"), "");
}

static mcpt_err json_schema(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    return say(out, "JSON Schema 2020-12 tool called by ", mcpt_get(args, "name"), "");
}

static mcpt_err trigger_change(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    mcpt_hub_changed(hub_of(call), *(const unsigned *)call->user);
    mcpt_text_z(out, "The change was announced.");
    return MCPT_OK;
}
static const unsigned changed_tools = MCPT_CHANGED_TOOLS, changed_prompts = MCPT_CHANGED_PROMPTS;

/* ------------------------------------------------------------------------------------- what takes a while */

static mcpt_err with_logging(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    static const char *const lines[] = { "Execution started", "Processing data", "Execution completed" };
    unsigned at = call->scratch[8];
    (void)args;
    if (at < MCPT_COUNT(lines)) {
        call->scratch[8]++;
        (void)mcpt_log(call, MCPT_INFO, "conformance", mcpt_z(lines[at]));
        mcpt_retry_after(call, 20);
        return MCPT_PENDING;
    }
    mcpt_text_z(out, "Tool with logging executed");
    return MCPT_OK;
}

static mcpt_err with_progress(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t at = call->scratch[8];
    (void)args;
    if (at <= 100) {
        call->scratch[8] = (uint8_t)(at + 50);
        (void)mcpt_progress(call, at, 100, NULL);
        mcpt_retry_after(call, 20);
        return MCPT_PENDING;
    }
    mcpt_text_z(out, "Tool with progress executed");
    return MCPT_OK;
}

/* Hangs up in the middle; the client comes back for the answer, which waits in the replay memory. */
static mcpt_err reconnection(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    if (call->scratch[8] == 0) {
        call->scratch[8] = 1;
        if (mcpt_stream_close(call, 500) == MCPT_OK) {
            mcpt_retry_after(call, 100);
            return MCPT_PENDING;
        }
    }
    mcpt_text_z(out, "Reconnection test completed");
    return MCPT_OK;
}

/* -------------------------------------------------------------------------------- questions to the client */

#define NAME_FORM REQUIRE(STRING("name", "Your name"), "\"name\"")
#define CONFIRM_FORM REQUIRE("\"confirm\":{\"type\":\"boolean\",\"description\":\"Go on?\"}", "\"confirm\"")
#define OK_FORM REQUIRE("\"ok\":{\"type\":\"boolean\",\"description\":\"Go on?\"}", "\"ok\"")
#define COLOR_FORM REQUIRE(STRING("color", "Your favourite colour"), "\"color\"")

static const char capital_question[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":"
    "{\"type\":\"text\",\"text\":\"What is the capital of France?\"}}],\"maxTokens\":100}";

/* The text of a sampling answer: its content is one block, or since 2025-11-25 an array of them. */
static mcpt_val sampled_text(mcpt_val result)
{
    mcpt_val content = mcpt_get(result, "content");
    if (mcpt_typeof(content) == MCPT_ARRAY) {
        content = mcpt_at(content, 0);
    }
    return mcpt_get(content, "text");
}

static mcpt_err sampling(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[512];
    mcpt_writer w;
    mcpt_str params;
    mcpt_val result;
    mcpt_err e;
    mcpt_w_init(&w, buf, sizeof buf);
    mcpt_obj(&w);
    mcpt_key(&w, "messages");
    mcpt_arr(&w);
    mcpt_obj(&w);
    mcpt_kv_z(&w, "role", "user");
    mcpt_key(&w, "content");
    mcpt_obj(&w);
    mcpt_kv_z(&w, "type", "text");
    mcpt_kv_raw(&w, "text", mcpt_raw(mcpt_get(args, "prompt")));
    mcpt_end(&w);
    mcpt_end(&w);
    mcpt_end(&w);
    mcpt_kv_int(&w, "maxTokens", 100);
    mcpt_end(&w);
    if (mcpt_w_done(&w, &params) != MCPT_OK) {
        return mcpt_fail(out, "prompt is too long");
    }
    e = mcpt_ask_sampling(call, "sample", params, &result);
    return e != MCPT_OK ? e : say(out, "LLM response: ", sampled_text(result), "");
}

static mcpt_err elicitation(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[256];
    mcpt_str message;
    mcpt_val content;
    mcpt_err e;
    e = mcpt_get_str(mcpt_get(args, "message"), buf, sizeof buf - 1, &message);
    if (e != MCPT_OK || message.len >= sizeof buf) {
        return mcpt_fail(out, "message is too long");
    }
    memmove(buf, message.ptr, message.len);
    buf[message.len] = 0;
    e = mcpt_ask_form(call, "details", buf,
                      REQUIRE(STRING("username", "User's response") "," STRING("email", "User's address"),
                              "\"username\",\"email\""), &content);
    return e != MCPT_OK ? e : say(out, "User response: ", mcpt_get(content, "username"), "");
}

/* Asks with the form that stands in the row. */
static mcpt_err ask_form_of_row(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_ask_form(call, "form", "Please fill in the form.", (const char *)call->user, &content);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z("Elicitation completed: "));
    mcpt_str_add(out, mcpt_raw(content));
    mcpt_text_end(out);
    return MCPT_OK;
}

static const char defaults_form[] = OBJECT(
    "\"name\":{\"type\":\"string\",\"description\":\"User name\",\"default\":\"John Doe\"},"
    "\"age\":{\"type\":\"integer\",\"description\":\"User age\",\"default\":30},"
    "\"score\":{\"type\":\"number\",\"description\":\"User score\",\"default\":95.5},"
    "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],\"default\":\"active\"},"
    "\"verified\":{\"type\":\"boolean\",\"description\":\"Verification status\",\"default\":true}");

#define TITLED "{\"const\":\"value1\",\"title\":\"First\"},{\"const\":\"value2\",\"title\":\"Second\"}"
static const char enums_form[] = OBJECT(
    "\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]},"
    "\"titledSingle\":{\"type\":\"string\",\"oneOf\":[" TITLED "]},"
    "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\"],\"enumNames\":[\"One\",\"Two\"]},"
    "\"untitledMulti\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,"
    "\"items\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
    "\"titledMulti\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"items\":{\"anyOf\":[" TITLED "]}}");

static mcpt_err missing_capability(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val result;
    mcpt_err e = mcpt_ask_sampling(call, "sample", mcpt_z(capital_question), &result);
    (void)args;
    return e != MCPT_OK ? e : say(out, "LLM response: ", sampled_text(result), "");
}

static mcpt_err logging_tool(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)args;
    (void)mcpt_log(call, MCPT_INFO, "conformance", mcpt_z("Heard only by those who asked for it"));
    mcpt_text_z(out, "Logging tool executed");
    return MCPT_OK;
}

static mcpt_err ask_name(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_ask_form(call, "user_name", "What is your name?", NAME_FORM, &content);
    (void)args;
    return e != MCPT_OK ? e : say(out, "Hello, ", mcpt_get(content, "name"), "!");
}

static mcpt_err ask_capital(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val result;
    mcpt_err e = mcpt_ask_sampling(call, "capital_question", mcpt_z(capital_question), &result);
    (void)args;
    return e != MCPT_OK ? e : say(out, "The model says: ", sampled_text(result), "");
}

static mcpt_val first_root(mcpt_val result)
{
    return mcpt_get(mcpt_at(mcpt_get(result, "roots"), 0), "uri");
}

static mcpt_err ask_client_roots(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val result;
    mcpt_err e = mcpt_ask_roots(call, "client_roots", &result);
    (void)args;
    return e != MCPT_OK ? e : say(out, "First root: ", first_root(result), "");
}

static mcpt_err ask_confirm(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_ask_form(call, "confirm", "Please confirm", OK_FORM, &content);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_text_z(out, mcpt_bool_or(mcpt_get(content, "ok"), false) ? "state-ok: yes" : "state-ok: no");
    return MCPT_OK;
}

static mcpt_err ask_three(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val form, sample, roots;
    mcpt_err e = mcpt_ask_form(call, "user_name", "What is your name?", NAME_FORM, &form);
    e = first_of(e, mcpt_ask_sampling(call, "capital_question", mcpt_z(capital_question), &sample));
    e = first_of(e, mcpt_ask_roots(call, "client_roots", &roots));
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    (void)say(out, "Name: ", mcpt_get(form, "name"), "");
    (void)say(out, "Answer: ", sampled_text(sample), "");
    return say(out, "Root: ", first_root(roots), "");
}

static mcpt_err ask_twice(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val name, color;
    mcpt_err e = mcpt_ask_form(call, "step1", "Step 1: What is your name?", NAME_FORM, &name);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    e = mcpt_ask_form(call, "step2", "Step 2: What is your favourite colour?", COLOR_FORM, &color);
    if (e != MCPT_OK) {
        return e;
    }
    (void)say(out, "Name: ", mcpt_get(name, "name"), "");
    return say(out, "Colour: ", mcpt_get(color, "color"), "");
}

/* Asks in whatever way this client can answer. */
static mcpt_err ask_as_possible(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    unsigned can = mcpt_client_can(call);
    mcpt_val answer;
    mcpt_err e = MCPT_OK;
    (void)args;
    if (can & MCPT_CAN_FORM) {
        e = first_of(e, mcpt_ask_form(call, "user_name", "What is your name?", NAME_FORM, &answer));
    }
    if (can & MCPT_CAN_SAMPLE) {
        e = first_of(e, mcpt_ask_sampling(call, "capital_question", mcpt_z(capital_question), &answer));
    }
    if (can & MCPT_CAN_ROOTS) {
        e = first_of(e, mcpt_ask_roots(call, "client_roots", &answer));
    }
    if (e == MCPT_OK) {
        mcpt_text_z(out, "Asked and answered.");
    }
    return e;
}

/* -------------------------------------------------------------------------------------------------- tasks */

enum { TTL_MS = 600000, POLL_MS = 200 };

static mcpt_err greet(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    return say(out, "Hello, ", mcpt_get(args, "name"), "!");
}

static mcpt_err slow_compute(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    int64_t ms = 0;
    mcpt_err e;
    (void)mcpt_get_fix(mcpt_get(args, "seconds"), 3, &ms);
    if (ms > 0) {
        e = mcpt_task(call, false, TTL_MS, POLL_MS);
        if (e != MCPT_OK) {
            return e;
        }
        e = wait_ms(call, (uint32_t)ms);
        if (e != MCPT_OK) {
            return e;
        }
    }
    return say(out, "Computed: ", mcpt_get(args, "label"), "");
}

static mcpt_err failing_job(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = mcpt_task(call, true, TTL_MS, POLL_MS);
    (void)args;
    if (e == MCPT_OK) {
        e = wait_ms(call, 1000);
    }
    return e != MCPT_OK ? e : mcpt_fail(out, "The job failed, as it always does.");
}

static mcpt_err protocol_error_job(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_err e = mcpt_task(call, false, TTL_MS, POLL_MS);
    (void)args;
    if (e == MCPT_OK) {
        e = wait_ms(call, 200);
    }
    return e != MCPT_OK ? e : mcpt_error(out, -32603, "The job broke the protocol, as it always does.");
}

static mcpt_err confirm_delete(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_task(call, false, TTL_MS, POLL_MS);
    if (e == MCPT_OK) {
        e = mcpt_ask_form(call, "confirm", "Really delete the file?", CONFIRM_FORM, &content);
    }
    if (e != MCPT_OK) {
        return e;
    }
    return say(out, mcpt_bool_or(mcpt_get(content, "confirm"), false) ? "Deleted " : "Kept ",
               mcpt_get(args, "filename"), "");
}

static mcpt_err multi_input(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val name, confirm;
    mcpt_err e = mcpt_task(call, false, TTL_MS, POLL_MS);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    e = mcpt_ask_form(call, "name", "What is your name?", NAME_FORM, &name);
    e = first_of(e, mcpt_ask_form(call, "confirm", "Is that so?", CONFIRM_FORM, &confirm));
    return e != MCPT_OK ? e : say(out, "Name: ", mcpt_get(name, "name"), "");
}

/* What must be known before is asked before: the task begins with the answer in hand. */
static mcpt_err tool_with_task(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_ask_form(call, "user_name", "What is your name?", NAME_FORM, &content);
    (void)args;
    if (e == MCPT_OK) {
        e = mcpt_task(call, true, TTL_MS, POLL_MS);
    }
    if (e == MCPT_OK) {
        e = wait_ms(call, 300);
    }
    return e != MCPT_OK ? e : say(out, "Hello, ", mcpt_get(content, "name"), "!");
}

/* ------------------------------------------------------------------------------------------------- tables */

#define TOOL(name_, description_, schema_, fn_) \
    { .name = (name_), .description = (description_), .input_schema = (schema_), .fn = (fn_) }
#define TOOL_OF(name_, description_, fn_, user_) \
    { .name = (name_), .description = (description_), .fn = (fn_), .user = (user_) }

static const mcpt_tool tools[] = {
    TOOL("test_simple_text", "Answers a line of text.", NULL, simple_text),
    TOOL("echo", "Answers the text it was given.", REQUIRE(STRING("text", "What to say"), "\"text\""), echo),
    TOOL("test_image_content", "Answers an image.", NULL, image_content),
    TOOL("test_audio_content", "Answers a sound.", NULL, audio_content),
    TOOL("test_embedded_resource", "Answers an embedded resource.", NULL, embedded_resource),
    TOOL("test_multiple_content_types", "Answers text, an image and a resource.", NULL, multiple_content),
    TOOL("test_error_handling", "Always fails.", NULL, error_handling),
    TOOL("test_tool_with_logging", "Writes log messages while it runs.", NULL, with_logging),
    TOOL("test_tool_with_progress", "Reports its progress.", NULL, with_progress),
    TOOL("test_reconnection", "Hangs up in the middle and finishes later.", NULL, reconnection),
    TOOL("test_logging_tool", "Writes a log message.", NULL, logging_tool),
    TOOL_OF("test_trigger_tool_change", "Announces other tools.", trigger_change, &changed_tools),
    TOOL_OF("test_trigger_prompt_change", "Announces other prompts.", trigger_change, &changed_prompts),
    TOOL("test_x_mcp_header", "Has an argument that travels in a header too.",
         OBJECT("\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\",\"description\":\"A region\"}"),
         x_mcp_header),
    TOOL("json_schema_2020_12_tool", "Has a schema with keywords of JSON Schema 2020-12.",
         "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"$defs\":{"
         "\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{"
         "\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}}},"
         "\"properties\":{\"name\":{\"type\":\"string\"},"
         "\"address\":{\"$ref\":\"#/$defs/address\"},"
         "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
         "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
         "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
         "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},\"required\":[\"contactMethod\"]},"
         "\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"
         "\"additionalProperties\":false}",
         json_schema),
    TOOL("test_sampling", "Asks the client's model.",
         REQUIRE(STRING("prompt", "What to ask"), "\"prompt\""), sampling),
    TOOL("test_elicitation", "Asks the user.",
         REQUIRE(STRING("message", "What to ask"), "\"message\""), elicitation),
    TOOL_OF("test_elicitation_sep1034_defaults", "Asks with defaults.", ask_form_of_row, defaults_form),
    TOOL_OF("test_elicitation_sep1330_enums", "Asks with every kind of choice.", ask_form_of_row, enums_form),
    TOOL("test_missing_capability", "Cannot work without sampling.", NULL, missing_capability),
    TOOL("test_streaming_elicitation", "Asks the user for a name.", NULL, ask_name),
    TOOL("test_input_required_result_elicitation", "Asks the user for a name.", NULL, ask_name),
    TOOL("test_input_required_result_sampling", "Asks the client's model for a capital.", NULL, ask_capital),
    TOOL("test_input_required_result_list_roots", "Asks the client for its roots.", NULL, ask_client_roots),
    TOOL("test_input_required_result_request_state", "Asks for a confirmation.", NULL, ask_confirm),
    TOOL("test_input_required_result_tampered_state", "Asks for a confirmation.", NULL, ask_confirm),
    TOOL("test_input_required_result_multiple_inputs", "Asks three things at once.", NULL, ask_three),
    TOOL("test_input_required_result_multi_round", "Asks two things, one after the other.", NULL, ask_twice),
    TOOL("test_input_required_result_capabilities", "Asks what the client knows.", NULL, ask_as_possible),
    TOOL("confirm_delete", "Pretends to delete a file, after a confirmation.",
         REQUIRE(STRING("filename", "The file"), "\"filename\""), confirm_delete),
    TOOL("multi_input", "A task that asks two things at once.", NULL, multi_input),
    TOOL("test_tool_with_task", "Asks for a name, then works as a task.", NULL, tool_with_task),
    TOOL("greet", "Greets somebody.", REQUIRE(STRING("name", "Whom to greet"), "\"name\""), greet),
    TOOL("slow_compute", "Takes its time.",
         REQUIRE("\"seconds\":{\"type\":\"number\",\"minimum\":0,\"maximum\":3600},"
                 STRING("label", "Comes back in the result"), "\"seconds\""), slow_compute),
    TOOL("failing_job", "A task that fails.", NULL, failing_job),
    TOOL("protocol_error_job", "A task that ends in a protocol error.", NULL, protocol_error_job)
};

static mcpt_err read_template(mcpt_call *call, mcpt_str uri, mcpt_writer *out)
{
    char id[64];
    mcpt_str value;
    mcpt_err e = mcpt_uri_var(call, "id", id, sizeof id, &value);
    (void)uri;
    if (e != MCPT_OK) {
        return MCPT_E_NOT_FOUND;
    }
    mcpt_text_begin(out);
    mcpt_str_add(out, mcpt_z("Data for ID: "));
    mcpt_str_add(out, value);
    mcpt_text_end(out);
    return MCPT_OK;
}

static const mcpt_resource resources[] = {
    { .uri = "test://static-text", .name = "Static text", .description = "A text in flash.",
      .mime = "text/plain", .data = static_text, .size = sizeof static_text - 1 },
    { .uri = "test://static-binary", .name = "Static image", .description = "An image in flash.",
      .mime = "image/png", .data = png, .size = sizeof png, .flags = MCPT_BINARY },
    { .uri = "test://example-resource", .name = "Example", .description = "What the prompt embeds.",
      .mime = "text/plain", .data = static_text, .size = sizeof static_text - 1 },
    { .uri = "test://watched-resource", .name = "Watched", .description = "To subscribe to.",
      .mime = "text/plain", .data = static_text, .size = sizeof static_text - 1 },
    { .uri = "test://template/{id}/data", .name = "Template", .description = "Data of an id.",
      .mime = "text/plain", .fn = read_template }
};

static mcpt_err simple_prompt(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_message(out, "user");
    mcpt_text_z(out, "This is a simple prompt for testing.");
    return MCPT_OK;
}

static mcpt_err prompt_with_arguments(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    mcpt_message(out, "user");
    (void)say(out, "Prompt with arguments: arg1='", mcpt_get(args, "arg1"), "'");
    mcpt_message(out, "assistant");
    return say(out, "and arg2='", mcpt_get(args, "arg2"), "'");
}

static mcpt_err prompt_with_resource(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    char buf[256];
    mcpt_str uri;
    (void)call;
    if (mcpt_get_str(mcpt_get(args, "resourceUri"), buf, sizeof buf, &uri) != MCPT_OK) {
        return MCPT_E_PARAMS;
    }
    mcpt_message(out, "user");
    mcpt_embedded_text(out, uri, "text/plain", mcpt_z("Embedded resource content for testing."));
    mcpt_message(out, "user");
    mcpt_text_z(out, "Please process the embedded resource above.");
    return MCPT_OK;
}

static mcpt_err prompt_with_image(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    (void)call;
    (void)args;
    mcpt_message(out, "user");
    mcpt_image(out, "image/png", png, sizeof png);
    mcpt_message(out, "user");
    mcpt_text_z(out, "Please analyze the image above.");
    return MCPT_OK;
}

static mcpt_err prompt_that_asks(mcpt_call *call, mcpt_val args, mcpt_writer *out)
{
    mcpt_val content;
    mcpt_err e = mcpt_ask_form(call, "user_context", "What context should the prompt use?",
                               REQUIRE(STRING("context", "The context"), "\"context\""), &content);
    (void)args;
    if (e != MCPT_OK) {
        return e;
    }
    mcpt_message(out, "user");
    return say(out, "Use this context: ", mcpt_get(content, "context"), "");
}

static mcpt_err complete(mcpt_call *call, mcpt_str argument, mcpt_str value, mcpt_val context,
                         mcpt_writer *out)
{
    static const char *const proposals[] = { "testValue1", "testValue2", "another" };
    (void)call;
    (void)argument;
    (void)context;
    for (size_t i = 0; i < MCPT_COUNT(proposals); i++) {
        mcpt_str p = mcpt_z(proposals[i]);
        if (p.len >= value.len && mcpt_str_eq((mcpt_str){ p.ptr, value.len }, value)) {
            mcpt_completion(out, p);
        }
    }
    return MCPT_OK;
}

static const mcpt_prompt_arg two_args[] = {
    { "arg1", NULL, "First test argument", true }, { "arg2", NULL, "Second test argument", true }
};
static const mcpt_prompt_arg uri_arg[] = { { "resourceUri", NULL, "URI of the resource to embed", true } };

static const mcpt_prompt prompts[] = {
    { .name = "test_simple_prompt", .description = "A prompt without arguments.", .fn = simple_prompt },
    { .name = "test_prompt_with_arguments", .description = "A prompt with two arguments.", .args = two_args,
      .nargs = MCPT_COUNT(two_args), .fn = prompt_with_arguments, .complete = complete },
    { .name = "test_prompt_with_embedded_resource", .description = "A prompt with an embedded resource.",
      .args = uri_arg, .nargs = MCPT_COUNT(uri_arg), .fn = prompt_with_resource },
    { .name = "test_input_required_result_prompt", .description = "A prompt that asks the user.",
      .fn = prompt_that_asks },
    { .name = "test_prompt_with_image", .description = "A prompt with an image.", .fn = prompt_with_image }
};

void fixtures_server(mcpt_server *server, const mcpt_env *env, mcpt_hub *hub)
{
    static uint16_t tool_index[MCPT_COUNT(tools)];
    memset(server, 0, sizeof *server);
    server->name = "mcptools-conformance";
    server->version = "1.0.0";
    server->title = "Fixtures of the conformance suite";
    server->tools = tools;
    server->ntools = MCPT_COUNT(tools);
    mcpt_index_tools(tool_index, tools, MCPT_COUNT(tools));
    server->tool_index = tool_index;
    server->resources = resources;
    server->nresources = MCPT_COUNT(resources);
    server->prompts = prompts;
    server->nprompts = MCPT_COUNT(prompts);
    server->offers = MCPT_OFFER_LIST_CHANGED | MCPT_OFFER_SUBSCRIBE | MCPT_OFFER_LOGGING |
                     MCPT_OFFER_COMPLETIONS | MCPT_OFFER_TASKS;
    server->env = env;
    server->user = hub;
}
