#include "actors/admission/admission.hpp"
