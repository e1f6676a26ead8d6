import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from '@mantine/core';

const teal: MantineColorsTuple = [
  '#e6f6f4',
  '#cdebe7',
  '#9cd7d0',
  '#66c0b7',
  '#3ba79d',
  '#1c9087',
  '#0b7a75',
  '#08665f',
  '#07534e',
  '#053f3c',
];

const dark: MantineColorsTuple = [
  '#e8eaed',
  '#c9cdd2',
  '#a3abb5',
  '#7b838d',
  '#3a3f46',
  '#2c3036',
  '#212429',
  '#191c20',
  '#121417',
  '#0d0f11',
];

/** One accent, one typeface, four sizes. */
export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 6,
  colors: { teal, dark },
  fontFamily: 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontSizes: { xs: '12px', sm: '14px', md: '14px', lg: '18px', xl: '26px' },
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
});

export const schemeManager = localStorageColorSchemeManager({ key: 'frontdesk-scheme' });
