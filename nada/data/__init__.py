"""Pictures to train on: `load_dataset` reads them from almost anything, once."""

from nada.data.dataset import ImageDataset as ImageDataset
from nada.data.loading import load_dataset as load_dataset
