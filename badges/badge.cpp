// Drawing: BadgeText → SVG and the shields endpoint's JSON. See badge.h for the geometry's source.
#include "badges/badge.h"

#include <algorithm>
#include <cstdint>

#include "badges/color.h"
#include "badges/glyph_width.h"
#include "badges/safe_text.h"

namespace everup::badges {
namespace {

constexpr std::int64_t kPx = 100;  // everything is counted in hundredths: for-the-badge spaces letters by 1.25 px
constexpr std::int64_t kPadding = 5 * kPx;  // left and right of a text
constexpr std::string_view kFont = "Verdana,Geneva,DejaVu Sans,sans-serif";
constexpr std::string_view kGrey = "#59636e";

// What a style is made of (badge-maker 6, lib/badge-renderers.js).
struct Dress {
  std::string_view slug;
  std::int64_t height, corner, baseline;  // px; of the unscaled text ten times as many
  bool shine, shadow, capitals;
};
const Dress& dress_of(Style style) {
  static constexpr Dress kFlat{"flat", 20, 3, 140, true, true, false};
  static constexpr Dress kFlatSquare{"flat-square", 20, 0, 140, false, false, false};
  static constexpr Dress kPlastic{"plastic", 18, 4, 130, true, true, false};
  static constexpr Dress kForTheBadge{"for-the-badge", 28, 0, 175, false, false, true};
  switch (style) {
    case Style::kFlat:
      return kFlat;
    case Style::kFlatSquare:
      return kFlatSquare;
    case Style::kPlastic:
      return kPlastic;
    case Style::kForTheBadge:
      return kForTheBadge;
  }
  return kFlat;
}

std::int64_t odd_width_px(std::u32string_view text) {
  const auto floor_px = static_cast<std::int64_t>(text_px(text, Face::kRegular11));
  return floor_px % 2 == 0 ? floor_px + 1 : floor_px;
}

// UTF-16 units, as JavaScript counts.
std::int64_t units_of(std::u32string_view text) {
  return std::count_if(text.begin(), text.end(), [](char32_t c) { return c > 0xffff; }) +
         static_cast<std::int64_t>(text.size());
}

std::int64_t spaced_width(std::u32string_view text, Face face) {
  return static_cast<std::int64_t>(text_px(text, face)) * kPx + 125 * units_of(text);
}

std::string number(std::int64_t hundredths) {
  std::string out = std::to_string(hundredths / kPx);
  const std::int64_t rest = hundredths % kPx;
  if (rest == 0) return out;
  out += "." + std::to_string(rest / 10);
  return rest % 10 == 0 ? out : out + std::to_string(rest % 10);
}

// One half: its text, ready to print, and where it stands; hundredths of a pixel, x and length of the scaled text.
struct Half {
  std::string text;
  std::int64_t box = 0, x = 0, length = 0;
  std::string color;
  bool bold = false;
};

struct Layout {
  const Dress* dress = nullptr;
  Half left, right;
  std::string title, suffix;
  std::int64_t width() const { return left.box + right.box; }
};

std::string safe_color(const std::string& wanted) { return hex_color(wanted) ? wanted : std::string(kGrey); }

std::string safe_suffix(const std::string& wanted) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (wanted.size() > kIdSuffixMax || !std::all_of(wanted.begin(), wanted.end(), allowed)) return {};
  return wanted;
}

// As wide as its text, which begins `margin` after the box's own padding.
void place(Half& half, std::int64_t width, std::int64_t padding, std::int64_t text_from) {
  half.box = width + 2 * padding;
  half.x = 10 * text_from + 5 * width;
  half.length = 10 * width;
}

void place_odd(Layout& out, std::u32string_view label, std::u32string_view message) {
  if (!label.empty()) place(out.left, odd_width_px(label) * kPx, kPadding, kPx + kPadding);
  const std::int64_t margin = label.empty() ? 0 : out.left.box - kPx;
  place(out.right, odd_width_px(message) * kPx, kPadding, margin + kPadding);
}

void place_spaced(Layout& out, std::u32string_view label, std::u32string_view message) {
  constexpr std::int64_t kMargin = 12 * kPx;
  if (!label.empty()) place(out.left, spaced_width(label, Face::kRegular10), kMargin, kMargin);
  place(out.right, spaced_width(message, Face::kBold10), kMargin, out.left.box + kMargin);
  out.right.bold = true;
}

Layout lay_out(const BadgeText& text) {
  std::u32string label = clean_text(text.label, kLabelMax);
  std::u32string message = clean_text(text.message, kMessageMax);
  Layout out;
  out.dress = &dress_of(text.style);
  out.suffix = safe_suffix(text.id_suffix);
  out.title = xml_escaped(utf8(label.empty() ? message : label + U": " + message));
  if (out.dress->capitals) {
    label = capitals(label);
    message = capitals(message);
  }
  out.left.text = xml_escaped(utf8(label));
  out.right.text = xml_escaped(utf8(message));
  out.right.color = safe_color(text.message_color);
  out.left.color = label.empty() ? out.right.color : safe_color(text.label_color);
  if (out.dress->capitals)
    place_spaced(out, label, message);
  else
    place_odd(out, label, message);
  return out;
}

std::string boxes(const Layout& layout) {
  const std::string height = "\" height=\"" + std::to_string(layout.dress->height) + "\" fill=\"";
  return "<rect width=\"" + number(layout.left.box) + height + layout.left.color + "\"/><rect x=\"" +
         number(layout.left.box) + "\" width=\"" + number(layout.right.box) + height + layout.right.color + "\"/>";
}

std::string text_element(const Half& half, const Dress& dress, bool shadow) {
  const TextColors colors = text_on(half.color);
  const std::string place =
      "x=\"" + number(half.x) + "\" y=\"" + std::to_string(dress.baseline + (shadow ? 10 : 0)) + "\" ";
  const std::string paint =
      shadow ? "fill=\"" + std::string(colors.shadow) + "\" fill-opacity=\".3\" aria-hidden=\"true\" "
             : "fill=\"" + std::string(colors.text) + "\" " + (half.bold ? "font-weight=\"bold\" " : "");
  return "<text " + place + paint + "transform=\"scale(.1)\" textLength=\"" + number(half.length) + "\">" + half.text +
         "</text>";
}

std::string texts(const Layout& layout) {
  const Dress& dress = *layout.dress;
  std::string out = "<g text-anchor=\"middle\" font-family=\"" + std::string(kFont) +
                    "\" text-rendering=\"geometricPrecision\" font-size=\"" + (dress.capitals ? "100" : "110") + "\">";
  for (const Half* half : {&layout.left, &layout.right}) {
    if (half->text.empty()) continue;
    if (dress.shadow) out += text_element(*half, dress, true);
    out += text_element(*half, dress, false);
  }
  return out + "</g>";
}

std::string_view stops_of(Style style) {
  if (style == Style::kPlastic) {
    return "<stop offset=\"0\" stop-color=\"#fff\" stop-opacity=\".7\"/>"
           "<stop offset=\".1\" stop-color=\"#aaa\" stop-opacity=\".1\"/>"
           "<stop offset=\".9\" stop-color=\"#000\" stop-opacity=\".3\"/>"
           "<stop offset=\"1\" stop-color=\"#000\" stop-opacity=\".5\"/>";
  }
  return "<stop offset=\"0\" stop-color=\"#bbb\" stop-opacity=\".1\"/><stop offset=\"1\" stop-opacity=\".1\"/>";
}

std::string shining_body(const Layout& layout, Style style) {
  const std::string size =
      "width=\"" + number(layout.width()) + "\" height=\"" + std::to_string(layout.dress->height) + "\"";
  const std::string shine = "s" + layout.suffix;
  const std::string round = "r" + layout.suffix;
  return "<linearGradient id=\"" + shine + "\" x2=\"0\" y2=\"100%\">" + std::string(stops_of(style)) +
         "</linearGradient><clipPath id=\"" + round + "\"><rect " + size + " rx=\"" +
         std::to_string(layout.dress->corner) + "\" fill=\"#fff\"/></clipPath><g clip-path=\"url(#" + round + ")\">" +
         boxes(layout) + "<rect " + size + " fill=\"url(#" + shine + ")\"/></g>" + texts(layout);
}

std::string square_body(const Layout& layout) {
  return "<g shape-rendering=\"crispEdges\">" + boxes(layout) + "</g>" + texts(layout);
}

}  // namespace

int text_width_px(std::string_view text) { return static_cast<int>(odd_width_px(clean_text(text, kMessageMax))); }

std::string badge_svg(const BadgeText& text) {
  const Layout layout = lay_out(text);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(layout.width()) + "\" height=\"" +
         std::to_string(layout.dress->height) + "\" role=\"img\" aria-label=\"" + layout.title + "\"><title>" +
         layout.title + "</title>" + (layout.dress->shine ? shining_body(layout, text.style) : square_body(layout)) +
         "</svg>";
}

std::string shields_json(const BadgeText& text, int cache_s) {
  const std::string label = utf8(clean_text(text.label, kLabelMax));
  std::string message = utf8(clean_text(text.message, kMessageMax));
  if (message.empty()) message = "n/a";  // shields refuses an empty message
  return "{\"schemaVersion\":1,\"label\":" + json_quoted(label) + ",\"message\":" + json_quoted(message) +
         ",\"color\":" + json_quoted(safe_color(text.message_color)) +
         ",\"labelColor\":" + json_quoted(safe_color(text.label_color)) +
         ",\"isError\":" + (text.is_error ? "true" : "false") + ",\"style\":" + json_quoted(dress_of(text.style).slug) +
         ",\"cacheSeconds\":" + std::to_string(std::max(cache_s, 0)) + "}";
}

}  // namespace everup::badges
