/** @file Runs anywhere. Whether a model's answers can be compared with a data set's labels, and as what each counts. */
import { nliLabel } from './nliLabels.ts';

/** "non-entailment", "not_entailment", "no entailment": what two-class data sets call everything else. */
const NOT_ENTAILMENT = /^(non|not|no)[\s_-]?entail(ment|ed|s)?$/i;

/**
 * For each of the model's classes the class of the data set as which that answer counts; null when they cannot be compared.
 * The same labels in another order are matched by name. A data set of entailment and non-entailment (HANS, RTE) takes
 * every answer of an NLI model that is not entailment for non-entailment, as McCoy et al. 2019 do; so does that of a model
 * of two classes that spells them otherwise.
 */
export function countedAs(model: readonly string[], dataset: readonly string[]): readonly number[] | null {
  if (model.length === dataset.length) {
    const places = model.map((label) => dataset.indexOf(label));
    if (!places.includes(-1) && new Set(places).size === places.length) return places;
  }
  const entailment = dataset.findIndex((label) => nliLabel(label) === 'entailment');
  const other = dataset.findIndex((label) => NOT_ENTAILMENT.test(label.trim()));
  if (dataset.length !== 2 || entailment === -1 || other === -1) return null;
  const meanings = model.map((label) => (NOT_ENTAILMENT.test(label.trim()) ? 'other' : nliLabel(label)));
  if (!meanings.includes('entailment') || meanings.includes(undefined)) return null;
  return meanings.map((meaning) => (meaning === 'entailment' ? entailment : other));
}

/** True when every answer counts as itself. */
export function isOneToOne(counted: readonly number[]): boolean {
  return counted.every((place, at) => place === at);
}
