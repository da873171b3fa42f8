from nada.features.dinov2 import DinoFeatures as DinoFeatures
from nada.features.extractor import Extractor as Extractor
from nada.features.guides import GuideFeatures as GuideFeatures
from nada.features.inception import InceptionFeatures as InceptionFeatures
from nada.features.loading import load_features as load_features
from nada.features.lpips import LpipsFeatures as LpipsFeatures
