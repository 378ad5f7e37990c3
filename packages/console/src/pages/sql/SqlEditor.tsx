import { setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef } from 'react'

import type { Catalog } from './catalog.ts'
import {
  diagnosticOf,
  editorExtensions,
  spanToRun,
  sqlLanguage,
  styleNonce,
} from './editor-extensions.ts'
import { editorFont } from './editor-theme.ts'
import type { QueryFailure } from './sql-run.ts'
import type { Span } from './statements.ts'

/** What is asked of the editor, beside what its properties say. */
export interface SqlEditorHandle {
  /** The selection, or the statement at the cursor. */
  spanToRun: () => Span | undefined
  /** Underlines an error at a place of the text; without one nothing is underlined any more. */
  showError: (error?: { failure: QueryFailure; place: number }) => void
  focus: () => void
}

interface SqlEditorProps {
  ref: Ref<SqlEditorHandle>
  /** Another one is another text, with an undo history of its own. */
  tabId: string
  /** What the tab begins with; later texts are the editor's own. */
  initialText: string
  catalog: Catalog | undefined
  onChange: (text: string) => void
  onRun: () => void
  onRunAll: () => void
}

/** An editor for SQL, as a component that keeps the texts of all tabs. */
export function SqlEditor(props: SqlEditorProps): ReactNode {
  const { ref, tabId, catalog } = props
  const parent = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const language = useRef(new Compartment())
  const states = useRef(new Map<string, EditorState>())
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })

  useEffect(() => {
    const made = new EditorView({
      parent: parent.current ?? document.body,
      extensions: styleNonce(),
    })
    view.current = made
    return () => made.destroy()
  }, [])

  useEffect(() => {
    const shown = view.current
    const kept = states.current
    if (shown === undefined) return
    shown.setState(
      kept.get(tabId) ??
        EditorState.create({
          doc: latest.current.initialText,
          extensions: [
            editorExtensions({
              onChange: (text) => latest.current.onChange(text),
              onRun: () => latest.current.onRun(),
              onRunAll: () => latest.current.onRunAll(),
            }),
            language.current.of(sqlLanguage(latest.current.catalog)),
          ],
        }),
    )
    return () => void kept.set(tabId, shown.state)
  }, [tabId])

  useEffect(() => {
    view.current?.dispatch({ effects: language.current.reconfigure(sqlLanguage(catalog)) })
  }, [catalog, tabId])

  useImperativeHandle(ref, () => ({
    spanToRun: () => view.current && spanToRun(view.current.state),
    showError: (error) => {
      const shown = view.current
      if (shown === undefined) return
      const { state } = shown
      const found = error ? [diagnosticOf(state, error.failure, error.place)] : []
      shown.dispatch(setDiagnostics(state, found))
    },
    focus: () => view.current?.focus(),
  }))
  return <div ref={parent} style={{ height: '100%', ...editorFont }} />
}
