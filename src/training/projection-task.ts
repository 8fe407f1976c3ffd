/**
 * @file What training a projection is: a linear map of embeddings that exist, learned from their labels.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../errors.js';
import { readEmbeddings } from '../embedding/index.js';
import { cardTitle, described, trainingFacts } from './card.js';
import { assertTrainable } from './data/check-trainable.js';
import { splitDataSet } from './data/split.js';
import type { DataSet } from './data/types.js';
import { headTask } from './head-task.js';
import { labelsOf } from './labels.js';
import { objectiveFor } from './objective.js';
import type { ProjectionTrainOptions } from './options.js';
import { saveProjection } from './projection.js';
import type { TaskContext } from './run.js';
import type { Task } from './task.js';
import { microBatch } from './training-data.js';
