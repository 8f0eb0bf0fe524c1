// What a pasted address means, by the server's own rule: shown while one types, so that the kind is no surprise.
// The server decides; this only tells.
const kSchemes: Record<string, string> = {
  http: 'Web page over plain http',
  https: 'Web page over https',
  smtp: 'Mail server (SMTP)',
  smtps: 'Mail server (SMTP over TLS)',
  tls: 'TLS certificate and handshake',
  tcp: 'TCP port',
  dns: 'Name in DNS',
  ping: 'Ping (ICMP echo)',
  icmp: 'Ping (ICMP echo)',
  heartbeat: 'Heartbeat: your job calls us',
};

export interface Guess {
  kind: string;
  text: string;
  bare: boolean; // no scheme was given
}

export function guess(input: string): Guess | null {
  const text = input.trim();
  if (!text) return null;
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d)/i.exec(text)?.[1]?.toLowerCase();
  if (scheme) {
    const kind = scheme === 'icmp' ? 'ping' : scheme;
    return { kind, text: kSchemes[scheme] ?? `“${scheme}” is not a kind that Everup knows`, bare: false };
  }
  return { kind: 'https', text: 'Web page over https (no scheme given)', bare: true };
}

export const kExamples: [string, string][] = [
  ['https://shop.example/health', 'a page or an API'],
  ['smtp://mail.example.com:587?starttls=require', 'a mail server'],
  ['tls://example.com', 'a certificate'],
  ['dns://example.com?type=MX', 'a record in DNS'],
  ['tcp://db.example.com:5432', 'an open port'],
  ['ping://192.0.2.1', 'a host'],
];
