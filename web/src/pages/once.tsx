// What is told once: a key, a link, recovery codes. To be copied now, or never.
import { Button, CopyButton, Dialog } from '../ui';

export function Once({
  title,
  text,
  lead,
  onClose,
}: {
  title: string;
  text: string;
  lead: string;
  onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{lead}</p>
      <pre class="raw once" tabIndex={0}>
        {text}
      </pre>
      <footer>
        <CopyButton text={text} />
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </footer>
    </Dialog>
  );
}
