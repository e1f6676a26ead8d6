import { Button, type ButtonProps } from '@mantine/core';
import { IconCalendar } from '@tabler/icons-react';
import type { ComponentPropsWithRef } from 'react';
import { formatTime } from '../parts/time.ts';

type Props = { day: string } & ButtonProps & ComponentPropsWithRef<'button'>;

export function DayButton({ day, ...rest }: Props) {
  const shown = formatTime(`${day}T12:00:00Z`, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return (
    <Button
      variant="default"
      leftSection={<IconCalendar size={16} stroke={1.75} />}
      aria-label={`${shown}, choose a day`}
      {...rest}
    >
      {shown}
    </Button>
  );
}
