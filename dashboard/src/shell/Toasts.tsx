import { Notifications } from '@mantine/notifications';

/** Where it is said what was done. */
export function Toasts() {
  return <Notifications position="bottom-right" limit={3} zIndex={400} />;
}
