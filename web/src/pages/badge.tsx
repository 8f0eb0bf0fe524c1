// Badges: choose, see, copy. The preview is the very image that readers will get.
import { useState } from 'preact/hooks';
import { query } from '../api';
import type { Monitor } from '../types';
import { Card, CheckField, Choice, CopyButton, SelectField, TextField } from '../ui';

type Format = 'Markdown' | 'HTML' | 'AsciiDoc' | 'rST';
const kFormats: Format[] = ['Markdown', 'HTML', 'AsciiDoc', 'rST'];

const kEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const html = (text: string): string => text.replace(/[&<>"]/g, (c) => kEscapes[c]!);
const plain = (text: string): string => text.replace(/[[\]()*_`\\<>|]/g, '\\$&');

export function snippet(format: Format, image: string, link: string | null, alt: string): string {
  switch (format) {
    case 'Markdown': {
      const picture = `![${plain(alt)}](${image})`;
      return link ? `[${picture}](${link})` : picture;
    }
    case 'HTML': {
      const picture = `<img src="${html(image)}" alt="${html(alt)}">`;
      return link ? `<a href="${html(link)}">${picture}</a>` : picture;
    }
    case 'AsciiDoc':
      return `image:${image}[${plain(alt).replaceAll(',', '\\,')}${link ? `,link=${link}` : ''}]`;
    case 'rST':
      return `.. image:: ${image}\n   :alt: ${alt}${link ? `\n   :target: ${link}` : ''}`;
  }
}

const kShown: [string, string][] = [
  ['status', 'Status'],
  ['24h', 'Uptime 24 h'],
  ['7d', 'Uptime 7 d'],
  ['30d', 'Uptime 30 d'],
  ['90d', 'Uptime 90 d'],
  ['365d', 'Uptime 1 year'],
];

export function BadgeBuilder({ monitor }: { monitor: Monitor }) {
  const [what, setWhat] = useState('30d');
  const [style, setStyle] = useState('flat');
  const [label, setLabel] = useState('');
  const [decimals, setDecimals] = useState('');
  const [coverage, setCoverage] = useState(true);
  const [format, setFormat] = useState<Format>('Markdown');
  if (!monitor.public.badge || !monitor.badge_token) {
    return (
      <Card title="Badge">
        <p class="muted">
          This monitor’s badge is off. <a href={`/app/monitors/${monitor.id}/edit`}>Turn it on</a>
        </p>
      </Card>
    );
  }
  const path =
    `/badge/${monitor.badge_token}/${what === 'status' ? 'status' : `uptime/${what}`}.svg` +
    query({
      style: style === 'flat' ? undefined : style,
      label: label || undefined,
      decimals: what === 'status' ? undefined : decimals,
      coverage: coverage || what === 'status' ? undefined : 'off',
    });
  const image = location.origin + path;
  const link = monitor.public.report ? `${location.origin}/report/${monitor.report_token}` : null;
  const alt = what === 'status' ? `Status of ${monitor.name}` : `Uptime of ${monitor.name}, ${what}`;
  const text = snippet(format, image, link, alt);
  return (
    <Card title="Badge">
      <p class="badge-preview">
        <img src={path} alt={alt} height="20" />
      </p>
      <div class="grid2">
        <SelectField label="Shows" value={what} options={kShown} onValue={setWhat} />
        <SelectField
          label="Style"
          value={style}
          options={[
            ['flat', 'Flat'],
            ['flat-square', 'Square'],
          ]}
          onValue={setStyle}
        />
        <TextField
          label="Label"
          optional
          value={label}
          onValue={setLabel}
          input={{ maxLength: 64, placeholder: 'uptime' }}
        />
        {what !== 'status' && (
          <SelectField
            label="Decimals"
            value={decimals}
            onValue={setDecimals}
            options={[
              ['', 'As they are'],
              ['0', '0'],
              ['1', '1'],
              ['2', '2'],
              ['3', '3'],
            ]}
          />
        )}
      </div>
      {what !== 'status' && (
        <CheckField label="Tell when little was watched" checked={coverage} onValue={setCoverage} />
      )}
      <div class="snippet-head">
        <Choice
          label="Format"
          value={format}
          options={kFormats.map((f) => [f, f])}
          onValue={(f) => setFormat(f as Format)}
        />
        <CopyButton text={text} />
      </div>
      <pre class="raw" tabIndex={0} aria-label={`Badge in ${format}`}>
        {text}
      </pre>
    </Card>
  );
}
