"""Pictures to train on: `load_dataset` reads a folder, a zip or a parquet file into memory, once."""

from nada.data.dataset import ImageDataset as ImageDataset
from nada.data.loading import load_dataset as load_dataset
