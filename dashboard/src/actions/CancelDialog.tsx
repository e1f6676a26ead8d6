import { Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '../api/session.tsx';
import { ActionDialog } from './ActionDialog.tsx';
import { type ActionableBooking, type Apply, cancel } from './bookingVerbs.ts';

interface Props {
  booking: ActionableBooking;
  apply: Apply;
  onClose(): void;
}

export function CancelDialog({ booking, apply, onClose }: Props) {
  const { gateway } = useSession();
  const [reason, setReason] = useState('');
  return (
    <ActionDialog
      title={`Cancel ${booking.reference}`}
      action="Cancel the booking"
      color="red.9"
      run={() => cancel(gateway, booking, reason, apply)}
      onClose={onClose}
    >
      <Text c="dimmed">Its time is free for others at once, so this cannot be undone.</Text>
      <Textarea
        label="Reason"
        placeholder="If there is one"
        maxLength={1_000}
        autosize
        minRows={2}
        data-autofocus
        value={reason}
        onChange={({ currentTarget }) => setReason(currentTarget.value)}
      />
    </ActionDialog>
  );
}
