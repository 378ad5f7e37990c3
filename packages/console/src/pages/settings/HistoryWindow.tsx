import { Alert, Slider, Text } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

import { formatDuration } from '../../ui/format.ts'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** Windows that can be chosen by sliding, in seconds. */
const windows = [0, 3600, 6 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400]

/** How far back a branch can be taken. */
export function HistoryWindow({ project }: SettingsSectionProps): ReactNode {
  const current = project.history_retention_seconds
  const choices = windows.includes(current)
    ? windows
    : [...windows, current].toSorted((a, b) => a - b)
  const [at, setAt] = useState(choices.indexOf(current))
  const save = useSaveProject(project.id)
  const seconds = choices[at] ?? current
  return (
    <SettingsForm
      title="History window"
      description="Any moment of it can be branched from, restored or looked at."
      onSubmit={() => save.mutate({ history_retention_seconds: seconds })}
      isRunning={save.isPending}
      error={save.error}
    >
      <Text fz={26} fw={650}>
        {seconds === 0 ? 'No history' : formatDuration(seconds)}
      </Text>
      <Slider
        thumbLabel="History window"
        value={at}
        onChange={setAt}
        min={0}
        max={choices.length - 1}
        step={1}
        label={null}
        marks={choices.map((_, value) => ({ value }))}
        restrictToMarks
      />
      {seconds < current && (
        <Alert color="yellow" icon={<IconHistory size={18} />}>
          What is older than {seconds === 0 ? 'now' : formatDuration(seconds)} is removed soon after
          you save, and cannot be brought back. Snapshots stay.
        </Alert>
      )}
      <Text size="sm" c="var(--faint)">
        The WAL of that time is kept: a day of a database that writes 1 GB a day takes about 1 GB.
      </Text>
    </SettingsForm>
  )
}
