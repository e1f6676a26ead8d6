import '@mantine/dates/styles.css';
import { Button, Popover } from '@mantine/core';
import { DatePicker } from '@mantine/dates';
import { useState } from 'react';
import { DayButton } from './DayButton.tsx';

interface Props {
  day: string;
  today: string;
  onChoose(day: string): void;
}

/** The calendar behind the button; open when it comes, since it is fetched when the button is first pressed. */
export function DayChoice({ day, today, onChoose }: Props) {
  const [opened, setOpened] = useState(true);
  const choose = (chosen: string | null) => {
    setOpened(false);
    if (chosen) onChoose(chosen);
  };
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus returnFocus shadow="md" withRoles>
      <Popover.Target>
        <DayButton day={day} onClick={() => setOpened(!opened)} />
      </Popover.Target>
      <Popover.Dropdown aria-label="Choose a day">
        <DatePicker value={day} onChange={choose} defaultDate={day} firstDayOfWeek={1} weekendDays={[]} />
        <Button variant="subtle" fullWidth mt="xs" onClick={() => choose(today)}>
          Today
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
