#include "core/monitor.h"
