#include "alerts/mail_message.h"

#include <gmime/gmime.h>

#include <memory>
#include <mutex>
#include <string_view>

#include "alerts/safe_text.h"
#include "net/digest.h"

namespace everup::alerts {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

GMimeFormatOptions* crlf_lines() {
  static GMimeFormatOptions* const kOptions = [] {
    g_mime_init();
    GMimeFormatOptions* options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    return options;
  }();
  return kOptions;
}

Owned<GMimeTextPart> text_part(const char* subtype, const std::string& text) {
  Owned<GMimeTextPart> part(g_mime_text_part_new_with_subtype(subtype));
  g_mime_text_part_set_charset(part.get(), "utf-8");
  g_mime_text_part_set_text(part.get(), text.c_str());
  g_mime_object_set_content_type_parameter(GMIME_OBJECT(part.get()), "charset", "utf-8");
  g_mime_part_set_content_encoding(GMIME_PART(part.get()), GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return part;
}

Owned<GMimeMultipart> body_of(const MailParts& parts) {
  Owned<GMimeMultipart> body(g_mime_multipart_new_with_subtype("alternative"));
  const std::string boundary = "=_" + net::hex(net::sha256(parts.message_id)).substr(0, 32);
  g_mime_multipart_set_boundary(body.get(), boundary.c_str());
  const auto text = text_part("plain", parts.text), html = text_part("html", parts.html);
  g_mime_multipart_add(body.get(), GMIME_OBJECT(text.get()));
  g_mime_multipart_add(body.get(), GMIME_OBJECT(html.get()));
  return body;
}

void set_date(GMimeMessage* mail, WallTime date, int offset_s) {
  GTimeZone* zone = g_time_zone_new_offset(offset_s);
  GDateTime* utc = g_date_time_new_from_unix_utc(date.ms / 1000);
  GDateTime* local = g_date_time_to_timezone(utc, zone);
  g_mime_message_set_date(mail, local);
  g_date_time_unref(local);
  g_date_time_unref(utc);
  g_time_zone_unref(zone);
}

// As it stands, never folded: a folded List-Unsubscribe breaks signatures at some relays.
void set_raw(GMimeMessage* mail, const char* name, const std::string& value) {
  GMimeHeaderList* headers = g_mime_object_get_header_list(GMIME_OBJECT(mail));
  g_mime_header_list_append(headers, name, "", nullptr);
  g_mime_header_set_raw_value(g_mime_header_list_get_header(headers, name), (" " + value + "\n").c_str());
}

void set_threading(GMimeMessage* mail, const MailParts& parts) {
  g_mime_message_set_message_id(mail, parts.message_id.c_str());
  if (parts.thread_message_id.empty() || parts.thread_message_id == parts.message_id) return;
  set_raw(mail, "In-Reply-To", "<" + parts.thread_message_id + ">");
  set_raw(mail, "References", "<" + parts.thread_message_id + ">");
}

void set_rest(GMimeMessage* mail, const MailParts& parts) {
  set_raw(mail, "Auto-Submitted", "auto-generated");
  set_raw(mail, "X-Auto-Response-Suppress", "All");
  const bool decodable = parts.unsubscribe_url.find("=?") != std::string::npos;  // safe_text.h: header_line
  if (is_link(parts.unsubscribe_url) && !decodable && parts.unsubscribe_url.size() < 900) {
    set_raw(mail, "List-Unsubscribe", "<" + parts.unsubscribe_url + ">");
    if (parts.unsubscribe_url.starts_with("https://"))
      set_raw(mail, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  }
  if (is_header_name(parts.incident_id)) set_raw(mail, "X-Everup-Incident", parts.incident_id);
  if (is_header_name(parts.event)) set_raw(mail, "X-Everup-Event", parts.event);
}

Status check(const MailParts& parts) {
  const auto wrong = [](const char* what) { return Error{ErrorCode::kInvalid, what}; };
  if (address_part(parts.from).empty()) return wrong("the sender (EVERUP_MAIL_FROM) is not a mail address");
  if (!is_mail_address(parts.to)) return wrong("the recipient is not a mail address");
  if (!is_message_id(parts.message_id)) return wrong("the Message-ID is not one");
  if (!parts.thread_message_id.empty() && !is_message_id(parts.thread_message_id))
    return wrong("the thread's Message-ID is not one");
  return ok();
}

// A C string ends at its first NUL: what stands behind one would be lost silently.
std::string without_nul(std::string text) {
  std::erase(text, '\0');
  return text;
}

}  // namespace

Result<std::string> compose(const MailParts& given) {
  if (const Status status = check(given); !status) return status.error();
  GMimeFormatOptions* const format = crlf_lines();
  MailParts parts = given;
  parts.text = without_nul(std::move(parts.text));
  parts.html = without_nul(std::move(parts.html));
  const Owned<GMimeMessage> mail(g_mime_message_new(TRUE));
  set_date(mail.get(), parts.date, parts.offset_s);
  const std::string sender(address_part(parts.from)), name = name_part(parts.from);
  g_mime_message_add_mailbox(mail.get(), GMIME_ADDRESS_TYPE_FROM, name.empty() ? nullptr : name.c_str(),
                             sender.c_str());
  g_mime_message_add_mailbox(mail.get(), GMIME_ADDRESS_TYPE_TO, nullptr, parts.to.c_str());
  g_mime_message_set_subject(mail.get(), header_line(parts.subject, 200).c_str(), "utf-8");
  set_threading(mail.get(), parts);
  set_rest(mail.get(), parts);
  const auto body = body_of(parts);
  g_mime_message_set_mime_part(mail.get(), GMIME_OBJECT(body.get()));
  char* bytes = g_mime_object_to_string(GMIME_OBJECT(mail.get()), format);
  if (bytes == nullptr) return Error{ErrorCode::kExhausted, "mail: out of memory"};
  std::string out(bytes);
  g_free(bytes);
  return out;
}

}  // namespace everup::alerts
