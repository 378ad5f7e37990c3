import { Select, Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'

import { formText } from '../../ui/form-text.ts'
import { SizeFields, sizeOf } from '../../ui/SizeFields.tsx'
import { suspendChoices } from '../branch/suspend-choices.ts'
import { parsePgSettings, renderPgSettings } from './pg-settings.ts'
import { SettingsForm } from './SettingsForm.tsx'
import type { SettingsSectionProps } from './SettingsPage.tsx'
import { useSaveProject } from './use-save-project.ts'

/** As the platform has them where nothing is set. */
const platformDefaults = { minCu: 0.25, maxCu: 2 }

/** What new computes get. */
export function ComputeDefaults({ project }: SettingsSectionProps): ReactNode {
  const defaults = project.default_endpoint_settings
  const save = useSaveProject(project.id)
  const [wrongLine, setWrongLine] = useState<string>()
  const submit = (form: FormData): void => {
    const parsed = parsePgSettings(formText(form, 'pg_settings'))
    setWrongLine(parsed.wrongLine)
    if (parsed.wrongLine !== undefined) return
    save.mutate({
      default_endpoint_settings: {
        ...sizeOf(form),
        suspend_timeout_seconds: Number(formText(form, 'suspend')),
        pg_settings: parsed.settings,
      },
    })
  }
  const suspend = defaults.suspend_timeout_seconds ?? 0
  return (
    <SettingsForm
      title="Compute defaults"
      description="For computes that are made from now on; those that there are keep theirs."
      onSubmit={submit}
      isRunning={save.isPending}
      error={save.error}
    >
      <SizeFields
        min={defaults.autoscaling_limit_min_cu ?? platformDefaults.minCu}
        max={defaults.autoscaling_limit_max_cu ?? platformDefaults.maxCu}
      />
      <Select
        name="suspend"
        label="Sleep"
        description="Without activity. A compute that sleeps wakes with the next connection."
        data={suspendChoices(suspend)}
        defaultValue={String(suspend)}
        allowDeselect={false}
      />
      <Textarea
        name="pg_settings"
        label="PostgreSQL settings"
        description="One on each line, as in postgresql.conf."
        placeholder={'work_mem = 64MB\nstatement_timeout = 30s'}
        defaultValue={renderPgSettings(defaults.pg_settings ?? {})}
        error={wrongLine !== undefined && `“${wrongLine}” is not “name = value”`}
        autosize
        minRows={4}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
    </SettingsForm>
  )
}
