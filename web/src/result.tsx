// One look's result in full: verdict, figures, phases, and the evidence that was kept. Everything in the evidence came
// from a stranger's machine; it is only ever text.
import { PhaseTable } from './phases';
import { dateTime, duration, latency, ms, now, words } from './time';
import type { Certificate, Evidence, Result } from './types';
import { StateWord, When } from './ui';

export const verdictOf = (result: Result): string => result.verdict ?? 'missed';
export const causeText = (result: Result): string =>
  result.detail || (result.cause === 'ok' ? 'As expected' : words(result.cause));

export function CertificateFacts({ certificate }: { certificate: Certificate }) {
  const left = ms(certificate.not_after) - now.value;
  const days = Math.floor(left / 86_400_000);
  const tone = left < 0 ? 'down' : days < 14 ? 'degraded' : 'up';
  return (
    <dl class="facts">
      <dt>Expires</dt>
      <dd>
        <strong class={`t-${tone}`}>
          {left < 0 ? `${duration(-left)} ago` : `in ${days} ${days === 1 ? 'day' : 'days'}`}
        </strong>{' '}
        <span class="muted">{dateTime(ms(certificate.not_after))}</span>
      </dd>
      {certificate.verify_error && (
        <>
          <dt>Problem</dt>
          <dd class="t-down">{certificate.verify_error}</dd>
        </>
      )}
      <dt>Names</dt>
      <dd>
        {certificate.names.slice(0, 8).join(', ')}
        {certificate.names.length > 8 && ` and ${certificate.names.length - 8} more`}
      </dd>
      <dt>Issuer</dt>
      <dd>{certificate.issuer}</dd>
      <dt>Valid from</dt>
      <dd>
        <When at={certificate.not_before} />
      </dd>
      <dt>SHA-256</dt>
      <dd class="mono">{certificate.sha256}</dd>
    </dl>
  );
}

export function Transcript({ lines }: { lines: NonNullable<Evidence['transcript']> }) {
  const kMarks = { in: '<', out: '>', note: '*' };
  return (
    <ol class="transcript" tabIndex={0} aria-label="Dialogue">
      {lines.map((line, i) => (
        <li key={i} class={line.dir}>
          <span class="at">{(line.at_ms / 1000).toFixed(3)}</span>
          <span class="dir" title={line.dir === 'in' ? 'from the server' : line.dir === 'out' ? 'from us' : 'note'}>
            {kMarks[line.dir]}
            {line.tls ? '~' : ' '}
          </span>
          <bdi>{line.text}</bdi>
        </li>
      ))}
    </ol>
  );
}

// The head is kept printable: line ends stand in it as escapes.
// Evidence comes printable: its ends of lines are spelled out.
const shownLines = (text: string): string =>
  text.replaceAll('\\x0d\\x0a', '\n').replaceAll('\\x0a', '\n').replaceAll('\\x09', '\t').replaceAll('\r', '').trimEnd();

export function EvidenceView({ evidence }: { evidence: Evidence }) {
  return (
    <div class="evidence">
      {evidence.address && (
        <p>
          <span class="muted">Asked</span> <code>{evidence.address}</code>
        </p>
      )}
      {evidence.head && (
        <>
          <h3>Head</h3>
          <pre class="raw" tabIndex={0} aria-label="Head of the answer">
            {shownLines(evidence.head)}
          </pre>
        </>
      )}
      {evidence.body_excerpt && (
        <>
          <h3>Body (beginning)</h3>
          <pre class="raw" tabIndex={0} aria-label="Body">
            {shownLines(evidence.body_excerpt)}
          </pre>
        </>
      )}
      {evidence.transcript && (
        <>
          <h3>Dialogue</h3>
          <Transcript lines={evidence.transcript} />
        </>
      )}
      {evidence.certificate && (
        <>
          <h3>Certificate</h3>
          <CertificateFacts certificate={evidence.certificate} />
        </>
      )}
    </div>
  );
}

export function ResultView({ result, title }: { result: Result; title?: string }) {
  return (
    <div class={`result r-${verdictOf(result)}`}>
      <div class="result-head">
        <StateWord state={verdictOf(result)} />
        <span class="num">{latency(result.latency_ms)}</span>
        {result.code !== null && <code>{result.code}</code>}
        <span class="muted">{title ?? <When at={result.at} />}</span>
      </div>
      <p class="why">
        <bdi>{causeText(result)}</bdi>
      </p>
      {Object.keys(result.phases_ms).length > 0 && <PhaseTable phases={result.phases_ms} />}
      {result.evidence && <EvidenceView evidence={result.evidence} />}
    </div>
  );
}
