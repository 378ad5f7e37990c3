import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/**
 * Also what the editor inherits: lines that are measured before its own styles are there must come out as
 * high, or the numbers beside them do not fit.
 */
export const editorFont = {
  fontFamily: 'var(--mantine-font-family-monospace)',
  fontSize: '13px',
  lineHeight: '1.6',
}

/** Colours are variables of `sql.module.css`, so one theme is light and dark. */
const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--surface)', color: 'inherit' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': editorFont,
  '.cm-content': { padding: '10px 0', caretColor: 'currentColor' },
  '.cm-cursor': { borderLeftColor: 'currentColor' },
  '.cm-gutters': {
    backgroundColor: 'var(--surface)',
    color: 'var(--faint)',
    border: 'none',
    paddingRight: '6px',
  },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '34px' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '.cm-statement': { boxShadow: 'inset 2px 0 0 var(--mantine-color-leaf-5)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
    { background: 'color-mix(in srgb, var(--mantine-color-leaf-5) 26%, transparent)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'color-mix(in srgb, var(--mantine-color-leaf-5) 30%, transparent)',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    boxShadow: 'var(--mantine-shadow-md)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mantine-font-family-monospace)',
    fontSize: '12.5px',
    maxHeight: '260px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'color-mix(in srgb, var(--mantine-color-leaf-5) 18%, transparent)',
    color: 'inherit',
  },
  '.cm-completionDetail': { color: 'var(--faint)', fontStyle: 'normal', marginLeft: '12px' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-diagnostic': { padding: '8px 12px', fontSize: '13px', whiteSpace: 'pre-wrap' },
  '.cm-panels': { backgroundColor: 'var(--page)', color: 'inherit', borderColor: 'var(--line)' },
  '.cm-placeholder': { color: 'var(--faint)' },
})

const highlighting = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--sql-keyword)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--sql-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--sql-number)' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--sql-type)' },
  { tag: tags.comment, color: 'var(--faint)', fontStyle: 'italic' },
  { tag: tags.operator, color: 'var(--faint)' },
])

export const editorTheme: Extension = [theme, syntaxHighlighting(highlighting)]
