import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

/** Young leaves to bark: what the console is coloured with. */
const leaf: MantineColorsTuple = [
  '#e9fbf3',
  '#d3f4e4',
  '#a6e8c9',
  '#74dbab',
  '#4cd092',
  '#2fc07f',
  '#12a36a',
  '#0b7a54',
  '#096647',
  '#064b34',
]

/** Greys with a hint of green in the dark scheme, so that surfaces belong together. */
const dark: MantineColorsTuple = [
  '#d5dcd9',
  '#aab5b0',
  '#8d9994',
  '#616d68',
  '#3a4541',
  '#2b3532',
  '#1d2624',
  '#141c1a',
  '#0f1614',
  '#0a100e',
]

export const theme = createTheme({
  primaryColor: 'leaf',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  colors: { leaf, dark },
  fontFamily:
    'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, "Liberation Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  headings: { fontWeight: '650' },
  components: {
    Button: { defaultProps: { size: 'sm' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Notification: {
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
      styles: { description: { color: 'var(--faint)' } },
    },
    Drawer: {
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        overlayProps: { backgroundOpacity: 0.45 },
      },
      styles: { title: { fontWeight: 650 } },
    },
    Modal: {
      defaultProps: {
        centered: true,
        closeButtonProps: { 'aria-label': 'Close' },
        overlayProps: { backgroundOpacity: 0.45, blur: 2 },
      },
      styles: { title: { fontWeight: 650 } },
    },
  },
})

/** White on the leaf of buttons can be read in both schemes; as text on dark it has to be brighter. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  // Words on a tint of their colour, dark enough to be read.
  light: {
    '--mantine-color-yellow-light-color': '#7d4a00',
    '--mantine-color-red-light-color': '#b02525',
    '--mantine-color-blue-light-color': '#1558a0',
    '--mantine-color-gray-light-color': '#495057',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-dimmed': '#5c6965',
    '--mantine-color-placeholder': '#6b7773',
    '--mantine-color-red-outline': '#c92a2a',
    '--mantine-color-red-filled': '#c92a2a',
  },
  dark: {
    '--mantine-color-error': '#ff8787',
    '--mantine-color-dimmed': '#9aa7a2',
    '--mantine-color-placeholder': '#8d9994',
    '--mantine-color-red-filled': '#c92a2a',
    '--mantine-color-anchor': leaf[4],
    '--mantine-color-leaf-light-color': leaf[3],
    '--mantine-color-leaf-text': leaf[4],
  },
})
