// The text of the status pages: what their style adds to that of the reports, and the templates. What they name is
// filled in status_page.cpp; words are those of status_words.cpp. No script, no outside resource.
#pragma once

#include <string_view>

namespace everup::reports {

inline constexpr std::string_view kStatusStyle = R"css(
.brand{background:var(--accent,var(--sheet));color:var(--accent-ink,var(--ink));border-bottom:1px solid var(--rule)}
.brand div{max-width:60rem;margin:0 auto;padding:1.1rem 1.5rem;display:flex;flex-wrap:wrap;align-items:center;gap:.6rem 1rem}
.brand img{display:block;max-height:2.6rem;max-width:11rem}
.brand h1{font-size:1.35rem}.brand a{color:inherit;text-decoration:none}.brand a:hover{text-decoration:underline}.brand a:focus-visible{outline-color:currentColor}
.page{max-width:60rem;padding-top:1.6rem}
.about{margin:0 0 1.2rem;max-width:46rem;white-space:pre-line}
.overall{display:flex;align-items:center;gap:.9rem;padding:1.25rem 1.4rem;border-radius:8px;background:color-mix(in srgb,var(--tone) 11%,var(--sheet));border:1px solid color-mix(in srgb,var(--tone) 45%,var(--rule))}
.overall svg{width:2rem;height:2rem;flex:none;padding:.32rem;border-radius:50%;background:var(--tone);fill:none;stroke:var(--sheet);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.overall h2{margin:0;font-size:1.4rem}.overall p{margin:.1rem 0 0;color:var(--soft);font-size:.88rem}
.stale{margin:0 0 1rem;padding:.7rem 1rem;border:1px solid var(--degraded);border-radius:6px;background:var(--sheet)}
section{margin-top:2.2rem}h2{margin-bottom:.6rem}
.card{background:var(--sheet);border:1px solid var(--rule);border-radius:8px;padding:1.1rem 1.3rem}
.card+.card{margin-top:.8rem}
.card h3{margin:0;font-size:1.08rem}.card h3 a{color:inherit}
.incident{border-left:5px solid var(--tone)}
.card .meta{margin:.15rem 0 0;color:var(--soft);font-size:.88rem}
.course{list-style:none;margin:.9rem 0 0;padding:0}
.course li{position:relative;padding:0 0 .75rem 1.3rem;border-left:2px solid var(--rule);margin-left:.35rem}
.course li:last-child{padding-bottom:0;border-left-color:transparent}
.course li::before{content:"";position:absolute;left:-.42rem;top:.42rem;width:.7rem;height:.7rem;border-radius:50%;background:var(--sheet);border:2px solid var(--soft)}
.course li.told::before{background:var(--link);border-color:var(--link)}.course li.end::before{background:var(--up);border-color:var(--up)}
.course strong{margin-right:.5rem}.course time{color:var(--soft);font-size:.85rem}
.course p{margin:.15rem 0 0;white-space:pre-line}
.head{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:.4rem 1.5rem;margin-bottom:.6rem}
.head h2{margin:0}
.windows{display:flex;flex-wrap:wrap;gap:.25rem;margin:0;padding:0;list-style:none;font-size:.86rem}
.windows a{display:inline-block;padding:.2rem .6rem;border-radius:99px;text-decoration:none;min-height:1.7rem}
.windows a[aria-current]{background:var(--ink);color:var(--ground)}.windows a:not([aria-current]):hover{text-decoration:underline}
.group{background:var(--sheet);border:1px solid var(--rule);border-radius:8px}
.group+.group{margin-top:1rem}
.group>h3{display:flex;justify-content:space-between;gap:1rem;margin:0;padding:.75rem 1.3rem;font-size:1rem;border-bottom:1px solid var(--rule)}
.row{padding:.95rem 1.3rem 1.05rem}.row+.row{border-top:1px solid var(--rule)}
.row h4{margin:0;font-size:1rem;font-weight:600;flex:1 1 9rem;min-width:0}
.row .line{display:flex;flex-wrap:wrap;align-items:baseline;gap:.15rem 1rem;margin-bottom:.5rem}
.chip{display:inline-flex;align-items:center;gap:.35rem;color:var(--tone);font-weight:600;font-size:.92rem;white-space:nowrap}
.chip svg{width:.95rem;height:.95rem;fill:none;stroke:currentColor;stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.row .up{font-variant-numeric:tabular-nums;font-weight:600;min-width:5rem;text-align:right}
.row .note{margin:0 0 .4rem;font-size:.85rem}
.row .strip{height:2.1rem}.row .ends{margin:.2rem 0 0}
.key{margin-top:1rem}
.follow{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:0;padding:0;list-style:none}
.follow a,.turn a,.more a{display:inline-block;min-height:1.6rem}
footer p{max-width:30rem}
form{display:grid;gap:.7rem;max-width:22rem}label{font-weight:600}
input{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:6px;padding:.55rem .7rem;width:100%}
button{font:inherit;font-weight:600;padding:.55rem 1.2rem;border:0;border-radius:6px;background:var(--link);color:var(--sheet);cursor:pointer;justify-self:start}
input:focus-visible,button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.error{margin:0;color:var(--down);font-weight:600}
@media (min-width:40.01rem){.part:not(:last-child) .ends{visibility:hidden}.part:first-child .ends{visibility:visible}.part:first-child .ends span:last-child,.part:last-child .ends span:first-child{visibility:hidden}}
@media (max-width:40rem){.brand div{padding:.9rem 1rem}.overall{padding:1rem}.overall h2{font-size:1.18rem}.row,.card,.group>h3{padding-left:1rem;padding-right:1rem}.part:not(:last-child){display:none}.row .up{text-align:left;min-width:0}}
)css";

// Everything up to the page's own part.
inline constexpr std::string_view kStatusHead = R"html(<!doctype html>
<html lang="{{lang}}">
<head>
<meta charset="utf-8">
<title>{{title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
{{#noindex}}<meta name="robots" content="noindex">
{{/noindex}}<meta name="referrer" content="same-origin">
<link rel="icon" href="{{{icon_url}}}">
{{#has_feeds}}<link rel="canonical" href="{{url}}">
<link rel="alternate" type="application/atom+xml" title="{{name}}" href="{{base}}/history.atom">
<link rel="alternate" type="application/rss+xml" title="{{name}}" href="{{base}}/history.rss">
{{/has_feeds}}<style>{{{style}}}</style>
</head>
<body>
<a class="skip" href="#main">{{w_skip}}</a>
<header class="brand"><div>
{{#has_logo}}<img src="{{logo}}" alt="">
{{/has_logo}}<h1 dir="auto">{{#has_url}}<a href="{{home}}">{{name}}</a>{{/has_url}}{{^has_url}}{{name}}{{/has_url}}</h1>
</div></header>
<div class="page">
<main id="main">
<p class="stale" role="status" hidden>{{w_stale}} <time datetime="{{now_utc}}">{{now}}</time>.</p>
)html";

inline constexpr std::string_view kStatusFoot = R"html(</main>
<footer>
<p>{{w_zone}} {{zone}}.</p>
{{#has_feeds}}<ul class="follow" aria-label="{{w_feeds}}">
<li><a href="{{base}}/history.atom">Atom</a></li><li><a href="{{base}}/history.rss">RSS</a></li><li><a href="{{base}}/maintenance.ics">{{w_calendar}}</a></li><li><a href="{{base}}/api/v2/summary.json">JSON</a></li>
</ul>
{{/has_feeds}}<p>{{w_measured}}{{#has_version}} {{version}}{{/has_version}}</p>
</footer>
</div>
</body>
</html>
)html";

inline constexpr std::string_view kStatusIncident = R"html({{#incidents}}<article class="card incident t-{{tone}}">
<h3 dir="auto"><a href="{{href}}">{{name}}: {{cause}}</a></h3>
<p class="meta">{{stage}} · <time datetime="{{started_utc}}">{{started}}</time> · {{#open}}{{w_ongoing}}{{/open}}{{^open}}{{w_down_for}} {{length}}{{/open}}</p>
<ol class="course">
{{#course}}<li class="{{kind}}"><strong>{{word}}</strong><time datetime="{{at_utc}}">{{at}}</time>{{#has_text}}<p dir="auto">{{text}}</p>{{/has_text}}</li>
{{/course}}</ol>
</article>
{{/incidents}})html";

inline constexpr std::string_view kStatusTop = R"html({{#has_about}}<p class="about" dir="auto">{{about}}</p>
{{/has_about}}<div class="overall t-{{overall_class}}">{{{overall_icon}}}<div><h2>{{overall}}</h2><p>{{w_settled}} <time datetime="{{as_of_utc}}">{{as_of}}</time></p></div></div>
{{#has_active}}<section aria-labelledby="active">
<h2 id="active">{{w_active}}</h2>
)html";
// … the active incidents
inline constexpr std::string_view kStatusSystems = R"html(</section>
{{/has_active}}{{#has_planned}}<section aria-labelledby="planned">
<h2 id="planned">{{w_planned}}</h2>
{{#planned}}<article class="card incident t-maintenance">
<h3 dir="auto">{{name}}</h3>
<p class="meta">{{when}} · <time datetime="{{from_utc}}">{{from}}</time> – <time datetime="{{to_utc}}">{{to}}</time></p>
<p class="meta">{{w_affects}}: {{affected}}</p>
</article>
{{/planned}}</section>
{{/has_planned}}{{#has_groups}}<section aria-labelledby="systems">
<div class="head"><h2 id="systems">{{w_systems}}</h2>
<nav aria-label="{{w_window}}"><ul class="windows">
{{#windows}}<li><a href="{{href}}"{{#current}} aria-current="true"{{/current}}>{{text}}</a></li>
{{/windows}}</ul></nav></div>
{{{patterns}}}{{#groups}}<div class="group">
{{#has_name}}<h3 dir="auto"><span>{{group}}</span><span class="chip t-{{state_class}}">{{{icon}}}{{state}}</span></h3>
{{/has_name}}{{#rows}}<div class="row">
<div class="line"><h4 dir="auto">{{#has_report}}<a href="{{report}}">{{name}}</a>{{/has_report}}{{^has_report}}{{name}}{{/has_report}}</h4>
<span class="chip t-{{state_class}}">{{{icon}}}{{state}}</span> <span class="up">{{figure}}</span></div>
{{#has_note}}<p class="note">{{note}}</p>
{{/has_note}}<div class="strips" role="img" aria-label="{{label}}">
{{#parts}}<div class="part">{{{svg}}}<p class="ends" aria-hidden="true"><span>{{first}}</span><span>{{last}}</span></p></div>
{{/parts}}</div>
</div>
{{/rows}}</div>
{{/groups}}<ul class="key">
{{{key}}}</ul>
</section>
{{/has_groups}}<section aria-labelledby="past">
<h2 id="past">{{w_past}}</h2>
)html";
// … the past incidents
inline constexpr std::string_view kStatusBottom = R"html({{^has_past}}<p class="none">{{w_no_incidents}}</p>
{{/has_past}}<p class="more"><a href="{{base}}/history">{{w_history}}</a></p>
</section>
)html";

inline constexpr std::string_view kStatusMonth = R"html(<nav aria-label="{{w_history}}">
<ul class="crumbs"><li><a href="{{home_page}}">{{w_back}}</a></li><li><span aria-current="page">{{month}}</span></li></ul>
<ul class="turn"><li><a rel="prev" href="{{base}}/history/{{previous}}">← {{previous}}</a></li><li>{{#has_next}}<a rel="next" href="{{base}}/history/{{next}}">{{next}} →</a>{{/has_next}}</li></ul>
</nav>
<section aria-labelledby="month">
<h2 id="month">{{w_past}}: {{month}}</h2>
)html";
inline constexpr std::string_view kStatusMonthEnd = R"html({{^has_incidents}}<p class="none">{{w_no_month}}</p>
{{/has_incidents}}</section>
)html";

inline constexpr std::string_view kStatusOne = R"html(<nav aria-label="{{w_history}}">
<ul class="crumbs"><li><a href="{{home_page}}">{{w_back}}</a></li><li><a href="{{base}}/history/{{month}}">{{month}}</a></li></ul>
</nav>
<section aria-labelledby="incident">
<h2 id="incident" dir="auto">{{heading}}</h2>
)html";

inline constexpr std::string_view kStatusLocked = R"html(<section aria-labelledby="locked">
<h2 id="locked">{{w_locked}}</h2>
<form method="post" action="{{action}}" class="card">
{{#has_error}}<p class="error" role="alert">{{error}}</p>
{{/has_error}}<label for="password">{{w_password}}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">
<button type="submit">{{w_open}}</button>
</form>
</section>
)html";

}  // namespace everup::reports
