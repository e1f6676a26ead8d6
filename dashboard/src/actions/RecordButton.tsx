import { Button } from '@mantine/core';
import { IconPencilPlus } from '@tabler/icons-react';
import { lazy, Suspense, useRef, useState } from 'react';
import { useSession } from '../api/session.tsx';

const RecordDialog = lazy(() =>
  import('./RecordDialog.tsx').then((module) => ({ default: module.RecordDialog })),
);

export function RecordButton(customer: { customerId: string; name: string }) {
  const mayRecord = useSession().may('ACTIVITIES_WRITE');
  const [asking, setAsking] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (!mayRecord) return null;
  const close = () => {
    setAsking(false);
    button.current?.focus();
  };
  return (
    <>
      <Button
        ref={button}
        variant="default"
        size="compact-sm"
        fw={500}
        leftSection={<IconPencilPlus size={15} stroke={1.75} />}
        onClick={() => setAsking(true)}
      >
        Note something
      </Button>
      {asking && (
        <Suspense>
          <RecordDialog {...customer} onClose={close} />
        </Suspense>
      )}
    </>
  );
}
