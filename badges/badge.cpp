// Drawing: BadgeText → SVG and the shields endpoint's JSON. See badge.h for the geometry's source.
#include "badges/badge.h"

#include <algorithm>
#include <cstdint>

#include "badges/color.h"
#include "badges/glyph_width.h"
#include "badges/safe_text.h"

namespace everup::badges {
namespace {

constexpr int kPadding = 5;  // px left and right of a text
constexpr std::string_view kFont = "Verdana,Geneva,DejaVu Sans,sans-serif";
constexpr std::string_view kGrey = "#59636e";

int width_px(std::u32string_view text) {
  std::int64_t centipixels = 0;
  for (const char32_t c : text) centipixels += glyph_centipixels(c);
  const int floor_px = static_cast<int>(centipixels / 100);
  return floor_px % 2 == 0 ? floor_px + 1 : floor_px;
}

std::string number(std::int64_t n) { return std::to_string(n); }

// One half: its text, ready to print, and where it stands. x is in tenths of a pixel.
struct Half {
  std::string text;
  int text_px = 0, box_px = 0;
  std::int64_t x = 0;
  std::string color;
};

struct Layout {
  Half left, right;
  std::string title, suffix;
  int width() const { return left.box_px + right.box_px; }
};

std::string safe_color(const std::string& wanted) { return hex_color(wanted) ? wanted : std::string(kGrey); }

std::string safe_suffix(const std::string& wanted) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (wanted.size() > kIdSuffixMax || !std::all_of(wanted.begin(), wanted.end(), allowed)) return {};
  return wanted;
}

Layout lay_out(const BadgeText& text) {
  const std::u32string label = clean_text(text.label, kLabelMax);
  const std::u32string message = clean_text(text.message, kMessageMax);
  Layout out;
  out.suffix = safe_suffix(text.id_suffix);
  out.left.text = xml_escaped(utf8(label));
  out.right.text = xml_escaped(utf8(message));
  out.title = label.empty() ? out.right.text : out.left.text + ": " + out.right.text;
  out.right.color = safe_color(text.message_color);
  out.left.color = label.empty() ? out.right.color : safe_color(text.label_color);
  if (!label.empty()) {
    out.left.text_px = width_px(label);
    out.left.box_px = out.left.text_px + 2 * kPadding;
    out.left.x = 5 * out.left.text_px + 10 * (1 + kPadding);
  }
  out.right.text_px = width_px(message);
  out.right.box_px = out.right.text_px + 2 * kPadding;
  const int margin = label.empty() ? 0 : out.left.box_px - 1;
  out.right.x = 10 * margin + 5 * out.right.text_px + 10 * kPadding;
  return out;
}

std::string boxes(const Layout& layout) {
  return "<rect width=\"" + number(layout.left.box_px) + "\" height=\"20\" fill=\"" + layout.left.color +
         "\"/><rect x=\"" + number(layout.left.box_px) + "\" width=\"" + number(layout.right.box_px) +
         "\" height=\"20\" fill=\"" + layout.right.color + "\"/>";
}

std::string text_element(const Half& half, bool shadow) {
  const TextColors colors = text_on(half.color);
  const std::string place = "x=\"" + number(half.x) + "\" y=\"" + (shadow ? "150" : "140") + "\" ";
  const std::string paint =
      shadow ? "fill=\"" + std::string(colors.shadow) + "\" fill-opacity=\".3\" aria-hidden=\"true\" "
             : "fill=\"" + std::string(colors.text) + "\" ";
  return "<text " + place + paint + "transform=\"scale(.1)\" textLength=\"" + number(10 * half.text_px) + "\">" +
         half.text + "</text>";
}

std::string texts(const Layout& layout, bool shadows) {
  std::string out = "<g text-anchor=\"middle\" font-family=\"" + std::string(kFont) +
                    "\" text-rendering=\"geometricPrecision\" font-size=\"110\">";
  for (const Half* half : {&layout.left, &layout.right}) {
    if (half->text.empty()) continue;
    if (shadows) out += text_element(*half, true);
    out += text_element(*half, false);
  }
  return out + "</g>";
}

std::string flat_body(const Layout& layout) {
  const std::string width = number(layout.width());
  const std::string shine = "s" + layout.suffix;
  const std::string round = "r" + layout.suffix;
  return "<linearGradient id=\"" + shine +
         "\" x2=\"0\" y2=\"100%\"><stop offset=\"0\" stop-color=\"#bbb\" stop-opacity=\".1\"/>"
         "<stop offset=\"1\" stop-opacity=\".1\"/></linearGradient><clipPath id=\"" +
         round + "\"><rect width=\"" + width +
         "\" height=\"20\" rx=\"3\" fill=\"#fff\"/></clipPath><g clip-path=\"url(#" + round + ")\">" + boxes(layout) +
         "<rect width=\"" + width + "\" height=\"20\" fill=\"url(#" + shine + ")\"/></g>" + texts(layout, true);
}

std::string square_body(const Layout& layout) {
  return "<g shape-rendering=\"crispEdges\">" + boxes(layout) + "</g>" + texts(layout, false);
}

std::string body_of(const Layout& layout, Style style) {
  switch (style) {
    case Style::kFlat:
      return flat_body(layout);
    case Style::kFlatSquare:
      return square_body(layout);
  }
  return {};
}

std::string_view slug_of(Style style) {
  switch (style) {
    case Style::kFlat:
      return "flat";
    case Style::kFlatSquare:
      return "flat-square";
  }
  return {};
}

}  // namespace

int text_width_px(std::string_view text) { return width_px(clean_text(text, kMessageMax)); }

std::string flat_badge(const BadgeText& text) {
  const Layout layout = lay_out(text);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(layout.width()) +
         "\" height=\"20\" role=\"img\" aria-label=\"" + layout.title + "\"><title>" + layout.title + "</title>" +
         body_of(layout, text.style) + "</svg>";
}

std::string shields_json(const BadgeText& text, int cache_s) {
  const std::string label = utf8(clean_text(text.label, kLabelMax));
  std::string message = utf8(clean_text(text.message, kMessageMax));
  if (message.empty()) message = "n/a";  // shields refuses an empty message
  return "{\"schemaVersion\":1,\"label\":" + json_quoted(label) + ",\"message\":" + json_quoted(message) +
         ",\"color\":" + json_quoted(safe_color(text.message_color)) +
         ",\"labelColor\":" + json_quoted(safe_color(text.label_color)) +
         ",\"isError\":" + (text.is_error ? "true" : "false") + ",\"style\":" + json_quoted(slug_of(text.style)) +
         ",\"cacheSeconds\":" + number(std::max(cache_s, 0)) + "}";
}

}  // namespace everup::badges
