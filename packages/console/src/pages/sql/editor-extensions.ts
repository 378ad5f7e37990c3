import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { sql } from '@codemirror/lang-sql'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { type Diagnostic, lintKeymap } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension, Prec, RangeSetBuilder } from '@codemirror/state'
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  keymap,
  lineNumbers,
  placeholder,
  ViewPlugin,
  type ViewUpdate,
} from '@codemirror/view'

import type { Catalog } from './catalog.ts'
import { completeFromCatalog, namespaceOf } from './completion.ts'
import { postgres } from './dialect.ts'
import { editorTheme } from './editor-theme.ts'
import type { QueryFailure } from './sql-run.ts'
import { type Span, statementAt } from './statements.ts'

interface EditorEvents {
  onChange: (text: string) => void
  onRun: () => void
  onRunAll: () => void
}

/** For the style elements that CodeMirror writes. A view needs it from its beginning. */
export const styleNonce = (): Extension =>
  EditorView.cspNonce.of(
    document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '',
  )

/** Everything of the editor but what it knows of the schema. */
export function editorExtensions(events: EditorEvents): Extension {
  const run = (action: () => void) => () => {
    action()
    return true
  }
  return [
    styleNonce(),
    Prec.highest(
      keymap.of([
        { key: 'Mod-Enter', run: run(events.onRun) },
        { key: 'Mod-Shift-Enter', run: run(events.onRunAll) },
      ]),
    ),
    lineNumbers(),
    history(),
    drawSelection(),
    EditorState.allowMultipleSelections.of(true),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ icons: false, maxRenderedOptions: 60 }),
    highlightSelectionMatches(),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...lintKeymap,
      ...historyKeymap,
      ...defaultKeymap,
      // Escape, then Tab, leaves the editor by the keyboard.
      indentWithTab,
    ]),
    placeholder('select …'),
    EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) events.onChange(update.state.doc.toString())
    }),
    currentStatement,
    editorTheme,
  ]
}

/** PostgreSQL's syntax, and what the schema has to complete it with. */
export function sqlLanguage(catalog: Catalog | undefined): Extension {
  const support = sql({
    dialect: postgres,
    keywordCompletion: (label, type) => ({ label, type, boost: -20 }),
    ...(catalog && { schema: namespaceOf(catalog), defaultSchema: 'public' }),
  })
  if (catalog === undefined) return support
  return [support, support.language.data.of({ autocomplete: completeFromCatalog(catalog) })]
}

/** What Ctrl+Enter runs: what is selected, or else the statement at the cursor. */
export function spanToRun({ doc, selection }: EditorState): Span | undefined {
  const { from, to } = selection.main
  const text = doc.toString()
  return text.slice(from, to).trim() === '' ? statementAt(text, from) : { from, to }
}

const statementLine = Decoration.line({ class: 'cm-statement' })

/** A line beside the statement at the cursor, where there are several. */
const currentStatement = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet
    constructor(view: EditorView) {
      this.decorations = markStatement(view.state)
    }
    update({ docChanged, selectionSet, state }: ViewUpdate): void {
      if (docChanged || selectionSet) this.decorations = markStatement(state)
    }
  },
  { decorations: (plugin) => plugin.decorations },
)

/** In longer texts it is not looked for at each key. */
const markedMax = 200_000

function markStatement(state: EditorState): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  const span = state.doc.length > markedMax ? undefined : spanToRun(state)
  if (span !== undefined) {
    const last = state.doc.lineAt(span.to).number
    for (let line = state.doc.lineAt(span.from); ; line = state.doc.line(line.number + 1)) {
      builder.add(line.from, line.from, statementLine)
      if (line.number >= last) break
    }
  }
  return builder.finish()
}

/** The place of an error, from there to the end of the word; the statement's first word without one. */
export function diagnosticOf({ doc }: EditorState, error: QueryFailure, place: number): Diagnostic {
  const from = Math.min(place, doc.length)
  const word = /^(?:"[^"]*"|[\w$]+|\S)/.exec(doc.sliceString(from, from + 200))?.[0] ?? ''
  const more = [error.detail, error.hint].filter((text) => text !== undefined)
  return {
    from,
    to: Math.min(doc.length, from + Math.max(1, word.length)),
    severity: 'error',
    message: [`${error.message} (${error.code})`, ...more].join('\n'),
  }
}
