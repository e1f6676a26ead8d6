import { Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '../api/session.tsx';
import type { ReportedActivity } from '../generated/graphql.ts';
import { ActionDialog } from './ActionDialog.tsx';
import { newIdempotencyKey, recordActivity, reported } from './recordActivity.ts';

interface Props {
  customerId: string;
  name: string;
  onClose(): void;
}

export function RecordDialog({ customerId, name, onClose }: Props) {
  const { gateway } = useSession();
  const [type, setType] = useState<ReportedActivity>('REFERRAL_MADE');
  const [about, setAbout] = useState('');
  const [idempotencyKey] = useState(newIdempotencyKey);
  return (
    <ActionDialog
      title={`Note what ${name} did`}
      action="Note it"
      run={() => recordActivity(gateway, { customerId, type, about, idempotencyKey })}
      onClose={onClose}
    >
      <Select
        label="What"
        value={type}
        onChange={(value) => setType(value as ReportedActivity)}
        allowDeselect={false}
        data={Object.entries(reported).map(([value, { label }]) => ({ value, label }))}
      />
      <TextInput
        label={reported[type].about}
        description="Without names or addresses: it stays when the customer is erased."
        required
        maxLength={500}
        data-autofocus
        value={about}
        onChange={({ currentTarget }) => setAbout(currentTarget.value)}
      />
    </ActionDialog>
  );
}
