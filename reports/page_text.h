// The text of the report pages: style sheet and templates, embedded so that a report needs nothing but the binary. What
// the templates name is filled in overview.cpp. No script, no outside resource; everything works under kReportCsp.
// Contrast of every text is at least 4.5 against its ground in both schemes (a test computes it from the custom
// properties).
#pragma once

#include <string_view>

namespace everup::reports {

inline constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ground:#fbfaf7;--sheet:#ffffff;--ink:#1d2327;--soft:#5a636b;--rule:#d9d6cd;--link:#0b5cad;
--up:#1a7f37;--degraded:#8a5d00;--down:#c21f2b;--unknown:#59636e;--maintenance:#0b62c4;--paused:#59636e;--before:#59636e;
--fill-up:#3aa655;--fill-soft:#e4e2da;--fill-degraded:#a86f00;--fill-degraded-soft:#f2d488;--fill-before:#c9c5b9;--fill-down:#cf222e;--fill-dots:#737c85;--fill-plan:#0969da;--fill-plan-soft:#bcd8f7}
@media (prefers-color-scheme:dark){:root{--ground:#12161a;--sheet:#191f25;--ink:#e8e6e1;--soft:#a3adb6;--rule:#333c45;--link:#79b8ff;
--up:#56c271;--degraded:#e0a93b;--down:#ff7b72;--unknown:#a3adb6;--maintenance:#79b8ff;--paused:#a3adb6;--before:#a3adb6;
--fill-up:#2f9e4f;--fill-soft:#434f5b;--fill-degraded:#e3a92f;--fill-degraded-soft:#5f4810;--fill-before:#46515c;--fill-down:#f0525c;--fill-dots:#8b949e;--fill-plan:#58a6ff;--fill-plan-soft:#23456b}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
a:focus-visible,summary:focus-visible{outline:3px solid var(--link);outline-offset:3px;border-radius:2px}
.skip{position:absolute;left:-999em}.skip:focus{left:1rem;top:1rem;background:var(--sheet);padding:.5rem 1rem;z-index:1}
.page{max-width:68rem;margin:0 auto;padding:2.25rem 1.5rem 3rem}
.kicker{margin:0 0 .35rem;font-size:.78rem;letter-spacing:.09em;text-transform:uppercase;color:var(--soft)}
h1,h2{font-family:Charter,"Bitstream Charter","Iowan Old Style","Noto Serif",Georgia,"Liberation Serif",serif;font-weight:600;line-height:1.2;text-wrap:balance}
h1{margin:0;font-size:clamp(1.8rem,1.3rem + 2.2vw,2.7rem)}
h2{margin:0 0 .25rem;font-size:1.35rem}
.target{margin:.35rem 0 0;color:var(--soft);font-size:.95rem}
.state{display:flex;flex-wrap:wrap;align-items:center;gap:.35rem .9rem;margin:1.25rem 0 0;padding:.85rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-left:6px solid var(--tone);border-radius:4px}
.state strong{color:var(--tone);font-size:1.15rem}
.state svg{width:1.25rem;height:1.25rem;flex:none;fill:none;stroke:var(--tone);stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.state span{color:var(--soft)}
.state p{flex-basis:100%;margin:0;font-size:.93rem}
.t-up{--tone:var(--up)}.t-degraded{--tone:var(--degraded)}.t-down{--tone:var(--down)}.t-unknown{--tone:var(--unknown)}
.t-maintenance{--tone:var(--maintenance)}.t-paused{--tone:var(--paused)}.t-before{--tone:var(--before)}
section{margin-top:2.6rem}
.lead{margin:0 0 1rem;color:var(--soft);font-size:.93rem;max-width:46rem}
.cards{display:grid;grid-template-columns:repeat(5,1fr);gap:0;margin:0;padding:0;list-style:none;background:var(--sheet);border:1px solid var(--rule);border-radius:4px}
.cards li{padding:1rem 1rem 1.05rem}
.cards li+li{border-left:1px solid var(--rule)}
.cards h3{margin:0;font-size:.85rem;font-weight:600;color:var(--soft)}
.figure{margin:.1rem 0 .5rem;font-size:1.72rem;font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums;letter-spacing:-.02em;color:var(--tone);white-space:nowrap}
dl{margin:0;font-size:.84rem}dl div{display:flex;justify-content:space-between;gap:.5rem}
dt{color:var(--soft);white-space:nowrap}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.strips{display:flex;gap:2px}
.part{flex:1 1 0;min-width:0}
.patterns{position:absolute}
.strip{display:block;width:100%;height:3.4rem}
.ends{display:flex;justify-content:space-between;margin:.3rem 0 0;font-size:.8rem;color:var(--soft)}
.day{fill:transparent}.day:hover{fill:var(--ink);fill-opacity:.16}
.fill-up{fill:var(--fill-up)}.fill-down{fill:var(--fill-down)}.fill-degraded{fill:url(#hatch)}.fill-unknown{fill:url(#dots)}
.strip a{outline:none}.strip a:focus-visible .day{stroke:var(--link);stroke-width:3;vector-effect:non-scaling-stroke;fill:var(--ink);fill-opacity:.16}
.timeline{height:3rem}
.fill-maintenance{fill:url(#bars)}.fill-paused{fill:var(--fill-soft)}.fill-before{fill:none;stroke:var(--fill-before);stroke-width:.75}
.hatch-ground{fill:var(--fill-degraded-soft)}.hatch-line{fill:var(--fill-degraded)}.dot{fill:var(--fill-dots)}
.bar-ground{fill:var(--fill-plan-soft)}.bar-line{fill:var(--fill-plan)}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.9rem 0 0;padding:0;list-style:none;font-size:.84rem;color:var(--soft)}
.key+table{margin-top:1.5rem}
.key svg{width:.8rem;height:.95rem;margin-right:.4rem;vertical-align:-.12rem}
details{margin-top:.9rem}
summary{cursor:pointer;color:var(--link);min-height:1.6rem;width:max-content;max-width:100%}
table{width:100%;border-collapse:collapse;background:var(--sheet);font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:0 0 .5rem;color:var(--soft);font-size:.93rem}
th,td{padding:.5rem .75rem;text-align:left;vertical-align:top;border-top:1px solid var(--rule)}
tbody tr:last-child>*{border-bottom:1px solid var(--rule)}
thead th{font-size:.8rem;color:var(--soft);font-weight:600}
tbody th{font-weight:600}
.over{color:var(--down);font-weight:600}
.crumbs,.turn,.calendar{display:flex;flex-wrap:wrap;gap:.35rem 1rem;margin:1.1rem 0 0;padding:0;list-style:none}
.crumbs li+li::before{content:"›";margin-right:1rem;color:var(--soft)}.turn{justify-content:space-between}
.crumbs a,.turn a,.calendar a{display:inline-block;min-height:1.6rem}
.sum{background:var(--sheet);border:1px solid var(--rule);border-radius:4px;padding:1rem 1.1rem;display:grid;grid-template-columns:minmax(9.5rem,auto) 1fr;gap:.5rem 2rem;align-items:center}
.sum dt{white-space:normal}
.sum .figure{font-size:2.3rem;margin:0}.sum dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));gap:.6rem 1.2rem;font-size:.88rem}.sum dl div{display:block}.sum dd{text-align:left}
.plot{display:flex;gap:.6rem}.scale{display:flex;flex-direction:column;justify-content:space-between;margin:0;font-size:.8rem;color:var(--soft);text-align:right;min-width:3.6rem;line-height:1}
.chart{display:block;flex:1;min-width:0;height:9rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px}
.plot-ends{margin-left:4.2rem}
.grid{fill:none;stroke:var(--rule);vector-effect:non-scaling-stroke}.line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.p50{stroke:var(--link)}.p95{stroke:var(--fill-degraded);stroke-dasharray:7 3}.p99{stroke:var(--fill-down);stroke-dasharray:2 3}
.key .line-sample{width:1.8rem}.files{margin:0}
.t-word{color:var(--tone);font-weight:600}
.none{padding:1rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;margin:0}
.note{margin:.8rem 0 0;font-size:.9rem;color:var(--soft);max-width:46rem}
.method{max-width:46rem}
.method p{margin:.6rem 0}
.method code{font-size:.92em;padding:.05em .3em;background:var(--sheet);border:1px solid var(--rule);border-radius:3px}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--rule);display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;justify-content:space-between;font-size:.84rem;color:var(--soft)}
footer p{margin:0}footer img{display:block}
@media (min-width:40.01rem){.part:not(:last-child) .ends span:last-child{visibility:hidden}}
@media (max-width:64rem){.cards{grid-template-columns:1fr}
.cards li{display:grid;grid-template-columns:9.5rem 1fr;column-gap:1.2rem;align-items:start}
.cards li+li{border-left:0;border-top:1px solid var(--rule)}.figure{margin-bottom:0}
dl{display:grid;grid-template-columns:repeat(3,1fr);gap:.4rem 1rem}dl div{display:block}dd{text-align:left}}
@media (max-width:40rem){.page{padding:1.4rem 1rem 2rem}.cards li{display:block}.figure{margin-bottom:.45rem}dl{grid-template-columns:1fr 1fr}.sum{grid-template-columns:1fr}.sum dl{grid-template-columns:1fr 1fr}.strips{flex-direction:column;gap:.55rem}.part{flex:none}.strip{height:2.8rem}
.fold thead{position:absolute;left:-999em}.fold tr{display:block;padding:.6rem 0;border-top:1px solid var(--rule)}
.fold tbody tr:last-child{border-bottom:1px solid var(--rule)}.fold th,.fold td{display:grid;grid-template-columns:6.2rem 1fr;gap:.6rem;padding:.12rem .8rem;border:0!important}
.fold [data-label]::before{content:attr(data-label);font-weight:400;color:var(--soft)}}
@media (prefers-reduced-motion:no-preference){.day{transition:fill-opacity .12s}}
@media print{@page{size:A4;margin:14mm 13mm}.crumbs,.turn,.calendar,.files{display:none!important}a{text-decoration:none}
.chart{height:6rem}th,td{padding:.28rem .6rem}.sum,.cards{break-inside:avoid}:root{color-scheme:light;--ground:#fff;--sheet:#fff;--ink:#000;--soft:#444;--rule:#aaa;--link:#000;--up:#1a7f37;--degraded:#8a5d00;--down:#c21f2b;
--unknown:#444;--maintenance:#0b62c4;--paused:#444;--before:#444;--fill-up:#3aa655;--fill-soft:#e4e2da;--fill-degraded:#a86f00;--fill-degraded-soft:#f2d488;--fill-before:#aaa;--fill-down:#cf222e;--fill-dots:#555;--fill-plan:#0969da;--fill-plan-soft:#bcd8f7}
body{font-size:10.5pt}.page{max-width:none;padding:0}section{margin-top:1.4rem;break-inside:avoid-page}.downs{break-inside:auto}tr{break-inside:avoid}
.strip,.chart,.key svg,.state{-webkit-print-color-adjust:exact;print-color-adjust:exact}details:not([open]),.skip,footer img{display:none}}
)css";

// The overview up to its days; chart, downs, method and foot follow.
inline constexpr std::string_view kOverviewTemplate = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{name}}: {{state_word}} · availability report</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<style>{{{style}}}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<div class="page">
<header>
<p class="kicker">Availability report</p>
<h1 dir="auto">{{name}}</h1>
{{#has_target}}<p class="target">{{target}}</p>
{{/has_target}}<div class="state t-{{state_class}}">
{{{icon}}}<strong>{{state_word}}</strong>
{{#has_since}}<span>since <time datetime="{{since_utc}}">{{since}}</time> ({{since_length}})</span>
{{/has_since}}{{#suspect}}<p>Checks have failed since <time datetime="{{suspect_utc}}">{{suspect_since}}</time>; that is not confirmed yet. Every figure below ends where the doubt begins.</p>
{{/suspect}}</div>
</header>
<main id="main">
<section aria-labelledby="uptime">
<h2 id="uptime">Uptime</h2>
<p class="lead">All windows end at <time datetime="{{as_of_utc}}">{{as_of}}</time>. Times are in the zone {{zone}}.</p>
<ul class="cards">
{{#windows}}<li><div><h3>{{title}}</h3><p class="figure t-{{tone}}">{{display}}</p></div>
<dl><div><dt>Watched</dt><dd>{{coverage}}</dd></div><div><dt>Down</dt><dd>{{down}}</dd></div><div><dt>Incidents</dt><dd>{{incidents}}</dd></div><div><dt>Longest</dt><dd>{{longest}}</dd></div>{{#has_bounds}}
<div><dt>At worst</dt><dd>{{worst}}</dd></div><div><dt>At best</dt><dd>{{best}}</dd></div>{{/has_bounds}}</dl></li>
{{/windows}}</ul>
</section>
<section aria-labelledby="days">
<h2 id="days">{{days_count}} days</h2>
<p class="lead">One bar a day, oldest on the left, piled up from what was seen: red from the bottom is down time, and however short it was it is drawn.</p>
{{{patterns}}}<div class="strips" role="group" aria-label="Availability by day, {{days_count}} days">
{{#parts}}<div class="part">{{{svg}}}<p class="ends" aria-hidden="true"><span>{{first}}</span><span>{{last}}</span></p></div>
{{/parts}}</div>
<ul class="key">
{{{key}}}</ul>
<details>
<summary>The same as a table</summary>
<table class="fold">
<caption>Each day in the zone {{zone}}, newest first</caption>
<thead><tr><th scope="col">Day</th><th scope="col">Uptime</th><th scope="col">Down</th><th scope="col">Degraded</th><th scope="col">Unknown</th><th scope="col">Incidents</th></tr></thead>
<tbody>
{{#day_rows}}<tr><th scope="row" data-label="Day">{{#has_href}}<a href="{{href}}">{{date}}</a>{{/has_href}}{{^has_href}}{{date}}{{/has_href}}</th><td data-label="Uptime">{{display}}</td><td data-label="Down">{{down}}</td><td data-label="Degraded">{{degraded}}</td><td data-label="Unknown">{{unknown}}</td><td data-label="Incidents">{{incidents}}</td></tr>
{{/day_rows}}</tbody>
</table>
</details>
{{#has_calendar}}<nav aria-label="Calendar"><ul class="calendar">
{{#calendar}}<li><a href="{{href}}">{{text}}</a></li>
{{/calendar}}</ul></nav>
{{/has_calendar}}</section>
)html";

// Fragments of both the overview and the calendar pages.
inline constexpr std::string_view kChartTemplate = R"html({{#has_chart}}<section aria-labelledby="speed">
<h2 id="speed">Response time</h2>
<p class="lead">{{chart_lead}}</p>
{{#chart_seen}}<div class="plot"><p class="scale" aria-hidden="true"><span>{{chart_top}}</span><span>{{chart_middle}}</span><span>0</span></p>{{{chart_svg}}}</div>
<p class="ends plot-ends" aria-hidden="true"><span>{{chart_first}}</span><span>{{chart_last}}</span></p>
<ul class="key">
<li><svg class="line-sample" viewBox="0 0 28 14" aria-hidden="true" focusable="false"><path class="line p50" d="M0 7H28"/></svg>half are faster (p50)</li><li><svg class="line-sample" viewBox="0 0 28 14" aria-hidden="true" focusable="false"><path class="line p95" d="M0 7H28"/></svg>95 of 100 are (p95)</li><li><svg class="line-sample" viewBox="0 0 28 14" aria-hidden="true" focusable="false"><path class="line p99" d="M0 7H28"/></svg>99 of 100 are (p99)</li>
</ul>
<details>
<summary>The same as a table</summary>
<table>
<caption>Half hours, oldest first</caption>
<thead><tr><th scope="col">From</th><th scope="col">p50</th><th scope="col">p95</th><th scope="col">p99</th><th scope="col">Checks</th></tr></thead>
<tbody>
{{#bins}}<tr><th scope="row">{{from}}</th><td>{{p50}}</td><td>{{p95}}</td><td>{{p99}}</td><td>{{count}}</td></tr>
{{/bins}}</tbody>
</table>
</details>
{{/chart_seen}}</section>
{{/has_chart}})html";

inline constexpr std::string_view kDownsTemplate = R"html(<section class="downs" aria-labelledby="downs">
<h2 id="downs">Down times</h2>
{{#has_downs}}<table class="fold">
<caption>{{downs_caption}}, newest first; durations are rounded up to the second</caption>
<thead><tr><th scope="col">Began</th><th scope="col">Ended</th><th scope="col">Down for</th><th scope="col">Reason</th></tr></thead>
<tbody>
{{#downs}}<tr><th scope="row" data-label="Began"><span>{{#before}}before {{/before}}<time datetime="{{from_utc}}">{{from}}</time></span></th><td data-label="Ended">{{#open}}<span class="over">{{open_text}}</span>{{/open}}{{^open}}<time datetime="{{to_utc}}">{{to}}</time>{{/open}}</td><td data-label="Down for">{{length}}</td><td data-label="Reason">{{reason}}</td></tr>
{{/downs}}</tbody>
</table>
{{#left_out}}<p class="note">{{left_out_count}} older ones are not listed; they are counted in the figures.</p>
{{/left_out}}{{/has_downs}}{{^has_downs}}<p class="none">{{no_downs}}</p>
{{/has_downs}}{{#has_glitches}}<p class="note">{{glitches}} in the last 90 days: failing checks that recovered before they were confirmed. They stay up and are not counted as down time.</p>
{{/has_glitches}}{{#has_corrections}}<p class="note">{{corrections}} made to time already shown, because results arrived late.</p>
{{/has_corrections}}</section>
)html";

inline constexpr std::string_view kMethodTemplate = R"html(<section class="method" aria-labelledby="method">
<h2 id="method">How this is counted</h2>
<p><code>uptime = up ÷ (up + down)</code>, in milliseconds of time, never an average of percentages. Degraded time counts as up. The figure is cut, not rounded: 100% means that there was no down time at all. With nothing judged there is no figure (n/a).</p>
<p><code>watched = (up + down) ÷ (window − maintenance − paused − before the first check)</code>. What was not seen is <em>unknown</em>: neither up nor down. When some of a window is unknown, “at worst” and “at best” tell what the figure would be if all of that had been down, or up.</p>
<p>A check that fails is repeated before it counts. Once confirmed, a down time is dated from the start of the first failing check to the start of the first good one; so alerts and this page always agree. Failures inside a declared maintenance do not count.</p>
<p>Rolling windows are exactly so many times 24 hours. Days, months and years are those of the zone {{zone}}. All end where everything is settled, so no minute shown here is taken back later; if late evidence changes one, the correction is numbered and told above.</p>
</section>
)html";

inline constexpr std::string_view kFootTemplate = R"html(</main>
<footer>
<p>Measured by Everup{{#has_version}} {{version}}{{/has_version}}</p>
{{#has_files}}<p class="files">This page as <a href="{{json_url}}">JSON</a> · <a href="{{csv_url}}">CSV</a></p>
{{/has_files}}{{#has_badge}}<img src="{{badge_url}}" alt="Uptime badge of {{name}}" height="20">
{{/has_badge}}</footer>
</div>
</body>
</html>
)html";

// A year, a month or a day; chart, downs, method and foot follow.
inline constexpr std::string_view kPeriodTemplate = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{name}}: {{period}} · availability report</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<style>{{{style}}}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<div class="page">
<header>
<p class="kicker">Availability report</p>
<h1 dir="auto">{{name}}</h1>
{{#has_target}}<p class="target">{{target}}</p>
{{/has_target}}{{#has_links}}<nav aria-label="Calendar">
<ul class="crumbs">
{{#crumbs}}<li><a href="{{href}}">{{text}}</a></li>
{{/crumbs}}<li><span aria-current="page">{{period}}</span></li>
</ul>
<ul class="turn">
<li>{{#previous}}<a rel="prev" href="{{href}}">← {{text}}</a>{{/previous}}</li>
<li>{{#next}}<a rel="next" href="{{href}}">{{text}} →</a>{{/next}}</li>
</ul>
</nav>
{{/has_links}}</header>
<main id="main">
<section aria-labelledby="uptime">
<h2 id="uptime">{{period}}</h2>
<p class="lead">From <time datetime="{{from_utc}}">{{from}}</time> to <time datetime="{{to_utc}}">{{to}}</time>, zone {{zone}}.{{#running}} It is not over: the figures end at <time datetime="{{as_of_utc}}">{{as_of}}</time>.{{/running}}</p>
<div class="sum"><p class="figure t-{{tone}}">{{display}}</p>
<dl>
{{#facts}}<div><dt>{{term}}</dt><dd>{{value}}</dd></div>
{{/facts}}</dl></div>
</section>
<section aria-labelledby="course">
<h2 id="course">{{course_title}}</h2>
<p class="lead">{{course_lead}}</p>
{{{patterns}}}{{{strip}}}<p class="ends" aria-hidden="true"><span>{{first}}</span><span>{{last}}</span></p>
<ul class="key">
{{{key}}}</ul>
{{#is_day}}<table class="fold">
<caption>Every stretch of one state, to the second, oldest first</caption>
<thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">State</th><th scope="col">For</th><th scope="col">Reason</th></tr></thead>
<tbody>
{{#stretches}}<tr><th scope="row" data-label="From"><time datetime="{{from_utc}}">{{from}}</time></th><td data-label="To"><time datetime="{{to_utc}}">{{to}}</time></td><td data-label="State"><span class="t-word t-{{state_class}}">{{state}}</span></td><td data-label="For">{{length}}</td><td data-label="Reason">{{reason}}</td></tr>
{{/stretches}}</tbody>
</table>
{{#stretches_left_out}}<p class="note">{{stretches_left_out_text}}</p>
{{/stretches_left_out}}{{/is_day}}{{^is_day}}<table class="fold">
<caption>{{parts_caption}}</caption>
<thead><tr><th scope="col">{{part_word}}</th><th scope="col">Uptime</th><th scope="col">Watched</th><th scope="col">Down</th><th scope="col">Degraded</th><th scope="col">Unknown</th><th scope="col">Incidents</th></tr></thead>
<tbody>
{{#part_rows}}<tr><th scope="row" data-label="{{part_word}}">{{#has_href}}<a href="{{href}}">{{date}}</a>{{/has_href}}{{^has_href}}{{date}}{{/has_href}}</th><td data-label="Uptime">{{display}}</td><td data-label="Watched">{{coverage}}</td><td data-label="Down">{{down}}</td><td data-label="Degraded">{{degraded}}</td><td data-label="Unknown">{{unknown}}</td><td data-label="Incidents">{{incidents}}</td></tr>
{{/part_rows}}</tbody>
</table>
{{/is_day}}</section>
)html";

inline constexpr std::string_view kMissingTemplate = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<style>{{{style}}}</style>
</head>
<body>
<div class="page">
<main>
<p class="kicker">Availability report</p>
<h1>{{title}}</h1>
<p class="lead">{{text}}</p>
</main>
</div>
</body>
</html>
)html";

}  // namespace everup::reports
