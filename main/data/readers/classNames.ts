/**
 * @file Runs anywhere. What whole numbers in a label column mean: names of classes, as data sets of a hub tell them in
 * their files ("huggingface" in a Parquet footer) and on their cards (dataset_info).
 */
import { z } from 'zod';
import { nliLabel } from '../../../shared/nliLabels.ts';

/** By column; the place in the list is the number. */
export type ClassNames = ReadonlyMap<string, readonly string[]>;

const names = z.array(z.string().min(1)).min(1).max(1000);
const footerSchema = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});
const featureSchema = z.object({ _type: z.literal('ClassLabel'), names });

/** From the text under "huggingface" in a Parquet footer; none where it says nothing that can be read. */
export function classNamesOfFooter(text: string): ClassNames {
  const { success, data } = footerSchema.safeParse(parsedOrNull(text));
  if (!success) return new Map();
  const found = Object.entries(data.info.features).flatMap(([column, feature]) => {
    const label = featureSchema.safeParse(feature);
    return label.success ? [[column, label.data.names] as const] : [];
  });
  return new Map(found);
}

const cardFeature = z.object({
  name: z.string(),
  dtype: z.object({ class_label: z.object({ names: z.union([names, z.record(z.string(), z.string())]) }) }),
});
const cardInfo = z.object({ config_name: z.string().optional(), features: z.array(z.unknown()).default([]) });
const cardSchema = z.object({ dataset_info: z.union([cardInfo, z.array(cardInfo)]) });

/** From the data of a card. @param config the part of the data set that is meant, where it has several */
export function classNamesOfCard(card: unknown, config: string | null): ClassNames {
  const { success, data } = cardSchema.safeParse(card);
  if (!success) return new Map();
  const infos = [data.dataset_info].flat();
  const info =
    infos.find(({ config_name }) => config_name === config) ?? (infos.length === 1 ? infos[0] : undefined);
  const found = (info?.features ?? []).flatMap((feature) => {
    const label = cardFeature.safeParse(feature);
    if (!label.success) return [];
    const named = label.data.dtype.class_label.names;
    const list = Array.isArray(named) ? named : listOf(named);
    return list === null ? [] : [[label.data.name, list] as const];
  });
  return new Map(found);
}

/** Word in the file -> label, as a person would have given it. The words of NLI are spelt as everywhere here. */
export function labelsOfNames(classes: readonly string[]): Record<string, string> {
  const isNli = classes.every((name) => nliLabel(name) !== undefined);
  return Object.fromEntries(classes.map((name, at) => [String(at), isNli ? nliLabel(name)! : name]));
}

/** { "0": "a", "1": "b" } as a list; null when a number is left out. */
function listOf(named: Readonly<Record<string, string>>): string[] | null {
  const own = new Map(Object.entries(named));
  const list = Array.from({ length: own.size }, (_, at) => own.get(String(at)));
  return list.every((name) => name !== undefined && name !== '') ? (list as string[]) : null;
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
