import { Alert, Button, CloseButton, Group, Modal, Stack } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { type FormEvent, type ReactNode, useState } from 'react';

interface Props {
  title: string;
  /** What the button says that does it. */
  action: string;
  color?: string;
  /** Throws a Problem when it is refused: the dialog then stays and says why. */
  run(): Promise<void>;
  /** It is gone: the focus is to go back where it was. */
  onClose(): void;
  children: ReactNode;
}

/** Asks what is needed, does it, and says in its own place why it was refused. */
export function ActionDialog({ title, action, color, run, onClose, children }: Props) {
  const [opened, setOpened] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const close = () => setOpened(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    await run().then(close, (refused: Error) => setProblem(refused.message));
    setBusy(false);
  }

  return (
    <Modal
      opened={opened}
      onClose={close}
      onExitTransitionEnd={onClose}
      centered
      returnFocus={false}
      // A header of its own would be a second banner of the page.
      withCloseButton={false}
      attributes={{ content: { 'aria-label': title } }}
      transitionProps={{ duration: 100 }}
    >
      <form onSubmit={submit}>
        <Stack>
          <Group justify="space-between">
            <h2>{title}</h2>
            <CloseButton aria-label="Close" onClick={close} />
          </Group>
          {children}
          {problem && (
            <Alert color="red" icon={<IconAlertCircle />} role="alert">
              {problem}
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Back
            </Button>
            <Button type="submit" color={color} loading={busy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
