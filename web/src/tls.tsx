// What a TLS look learnt of a server: grade, versions, trust, Heartbleed, findings with what to do.
import { words } from './time';
import type { TlsReport } from './types';

const kVersions: Record<string, string> = {
  ssl3: 'SSL 3.0',
  ssl3_0: 'SSL 3.0',
  tls1_0: 'TLS 1.0',
  tls1_1: 'TLS 1.1',
  tls1_2: 'TLS 1.2',
  tls1_3: 'TLS 1.3',
};
const kOld = ['ssl3', 'ssl3_0', 'tls1_0', 'tls1_1'];

function Versions({ protocols }: { protocols: Record<string, string> }) {
  return (
    <ul class="versions">
      {Object.entries(protocols)
        .filter(([, said]) => typeof said === 'string')
        .map(([name, said]) => {
          const bad = said === 'offered' && kOld.includes(name);
          return (
            <li key={name} class={bad ? 't-down' : said === 'offered' ? 't-up' : 'muted'}>
              {kVersions[name] ?? name} <span>{said}</span>
            </li>
          );
        })}
    </ul>
  );
}

const tone: Record<string, string> = { not_vulnerable: 'up', vulnerable: 'down' };

export function TlsFacts({ report }: { report: TlsReport }) {
  const { trust, hostname, heartbleed, negotiated, grade } = report;
  return (
    <>
      <dl class="facts">
        {grade && (
          <>
            <dt>Grade</dt>
            <dd>
              <strong>{grade}</strong> <span class="muted">{(report.grade_reasons ?? []).join('; ')}</span>
            </dd>
          </>
        )}
        {negotiated?.version && (
          <>
            <dt>Agreed on</dt>
            <dd>
              {negotiated.version} <span class="muted mono">{negotiated.cipher}</span>
            </dd>
          </>
        )}
        {[trust, hostname].map(
          (one, i) =>
            one && (
              <>
                <dt>{i === 0 ? 'Trust' : 'Name'}</dt>
                <dd class={one.ok ? 't-up' : 't-down'}>
                  <bdi>{one.ok ? 'fine' : one.detail || words(one.cause)}</bdi>
                </dd>
              </>
            ),
        )}
        {heartbleed && (
          <>
            <dt>Heartbleed</dt>
            <dd class={`t-${tone[heartbleed.verdict] ?? 'unknown'}`}>
              {words(heartbleed.verdict)}
              {heartbleed.reason && <span class="muted"> {words(heartbleed.reason)}</span>}
            </dd>
          </>
        )}
      </dl>
      {report.protocols && <Versions protocols={report.protocols} />}
      {report.findings && report.findings.length > 0 && (
        <ul class="plain-list findings">
          {report.findings.map((one) => (
            <li key={one.id}>
              <span class="pill">{one.severity}</span>
              <bdi>{one.text}</bdi>
              {one.fix && (
                <p class="hint">
                  <bdi>{one.fix}</bdi>
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
