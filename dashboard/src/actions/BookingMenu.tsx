import { Menu } from '@mantine/core';
import {
  IconAlertCircle,
  IconCalendarOff,
  IconCalendarTime,
  IconCheck,
  IconUserOff,
} from '@tabler/icons-react';
import { type ReactElement, useEffect, useState } from 'react';
import type { ActionableBooking, Apply, VerbStatus } from './bookingVerbs.ts';
import { verbs } from './bookingVerbs.ts';
import { CancelDialog } from './CancelDialog.tsx';
import { MoveDialog } from './MoveDialog.tsx';

interface Props {
  /** How often it was asked for: it opens each time. */
  asked: number;
  button: ReactElement;
  booking: ActionableBooking;
  apply: Apply;
  run(to: VerbStatus): Promise<void>;
  /** Why the last thing could not be done. */
  problem: string | null;
  onClose(): void;
  /** Gives the focus back to the button. */
  focus(): void;
}

const icons = { CONFIRMED: IconCheck, COMPLETED: IconCheck, NO_SHOW: IconUserOff };

export function BookingMenu({ asked, button, booking, apply, run, problem, onClose, focus }: Props) {
  const [opened, setOpened] = useState(true);
  const [dialog, setDialog] = useState<'move' | 'cancel' | null>(null);
  useEffect(() => setOpened(true), [asked]);
  const change = (open: boolean) => {
    setOpened(open);
    if (open) return;
    onClose();
    if (document.activeElement?.closest('[role=menu]')) focus();
  };
  const closeDialog = () => {
    setDialog(null);
    focus();
  };
  const props = { booking, apply, onClose: closeDialog };
  return (
    <>
      <Menu
        opened={opened}
        onChange={change}
        position="bottom-end"
        shadow="md"
        width={problem ? 280 : 210}
        returnFocus={false}
        transitionProps={{ duration: 100 }}
      >
        <Menu.Target>{button}</Menu.Target>
        <Menu.Dropdown>
          {problem && (
            <p className="menu-problem" role="alert">
              <IconAlertCircle size={16} aria-hidden />
              <span>Not done. {problem}</span>
            </p>
          )}
          {(Object.keys(verbs) as VerbStatus[])
            .filter((status) => verbs[status].can(booking))
            .map((status) => {
              const Icon = icons[status];
              return (
                <Menu.Item
                  key={status}
                  leftSection={<Icon size={16} stroke={1.75} />}
                  onClick={() => void run(status)}
                >
                  {verbs[status].label}
                </Menu.Item>
              );
            })}
          {booking.viewerCanReschedule && (
            <Menu.Item
              leftSection={<IconCalendarTime size={16} stroke={1.75} />}
              onClick={() => setDialog('move')}
            >
              Move…
            </Menu.Item>
          )}
          {booking.viewerCanCancel && (
            <Menu.Item
              color="var(--red)"
              leftSection={<IconCalendarOff size={16} stroke={1.75} />}
              onClick={() => setDialog('cancel')}
            >
              Cancel…
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog === 'move' && <MoveDialog {...props} />}
      {dialog === 'cancel' && <CancelDialog {...props} />}
    </>
  );
}
