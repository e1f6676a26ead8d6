import '@mantine/dates/styles.css';
import { Text } from '@mantine/core';
import { DatePicker, TimeInput } from '@mantine/dates';
import { useState } from 'react';
import { useSession } from '../api/session.tsx';
import { absolute, clockIn, dayIn, instantAt } from '../parts/time.ts';
import { ActionDialog } from './ActionDialog.tsx';
import { type ActionableBooking, type Apply, move } from './bookingVerbs.ts';

interface Props {
  booking: ActionableBooking;
  apply: Apply;
  onClose(): void;
}

export function MoveDialog({ booking, apply, onClose }: Props) {
  const { gateway } = useSession();
  const { startsAt, timeZone, reference } = booking;
  const [day, setDay] = useState<string | null>(dayIn(timeZone, startsAt));
  const [time, setTime] = useState(clockIn(timeZone, startsAt));
  return (
    <ActionDialog
      title={`Move ${reference}`}
      action="Move the booking"
      run={() => move(gateway, booking, instantAt(day ?? dayIn(timeZone, startsAt), time, timeZone), apply)}
      onClose={onClose}
    >
      <Text c="dimmed">It is on {absolute(startsAt, timeZone)}. It keeps its length, staff and place.</Text>
      <TimeInput
        label="New time"
        required
        data-autofocus
        value={time}
        onChange={({ currentTarget }) => setTime(currentTarget.value)}
      />
      <DatePicker
        value={day}
        onChange={setDay}
        defaultDate={dayIn(timeZone, startsAt)}
        firstDayOfWeek={1}
        weekendDays={[]}
        aria-label="New day"
        mx="auto"
      />
    </ActionDialog>
  );
}
