import './actions.css';
import '@mantine/notifications/styles.css';
import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertCircle, IconCheck } from '@tabler/icons-react';

export interface Toast {
  message: string;
  /** Takes it back; throws a Problem when that is refused. */
  undo?: () => Promise<void>;
}

const shownMs = 10_000;
const ids = new WeakMap<Toast, string>();

export function showToast(said: Toast, on: { takeBack(): void; gone(): void }): void {
  const id = notifications.show({
    message: (
      <span className="toast">
        <span>{said.message}</span>
        {said.undo && (
          <Button variant="subtle" size="compact-sm" onClick={on.takeBack}>
            Undo
          </Button>
        )}
      </span>
    ),
    icon: <IconCheck size={16} />,
    autoClose: shownMs,
    withBorder: true,
    role: 'status',
    closeButtonProps: { 'aria-label': 'Close' },
    onClose: on.gone,
  });
  ids.set(said, id);
}

export function hideToast(said: Toast): void {
  const id = ids.get(said);
  if (id) notifications.hide(id);
}

export function showProblem(message: string): void {
  notifications.show({
    message,
    color: 'red',
    icon: <IconAlertCircle size={16} />,
    autoClose: false,
    withBorder: true,
    closeButtonProps: { 'aria-label': 'Close' },
  });
}
